//! The requests that this crate makes.

use super::RetryPolicy;
use crate::rate::Bucket;

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Delete,
    Get,
    Patch,
    Post,
    Put,
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

macro_rules! routes {
    ($($route:ident: $method:ident $template:literal in $bucket:ident, $operation:literal;)+) => {
        /// A kind of request: what it is for, its path as a template, and the rate-limit bucket it counts in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Route {
            $($route,)+
        }

        impl Route {
            pub(crate) const fn operation(self) -> &'static str {
                match self {
                    $(Self::$route => $operation,)+
                }
            }

            pub(crate) const fn template(self) -> &'static str {
                match self {
                    $(Self::$route => $template,)+
                }
            }

            pub(crate) const fn method(self) -> Method {
                match self {
                    $(Self::$route => Method::$method,)+
                }
            }

            pub(crate) const fn bucket(self) -> Bucket {
                match self {
                    $(Self::$route => Bucket::$bucket,)+
                }
            }
        }
    };
}

routes! {
    Discovery: Get "/.well-known/okta-organization" in Other, "identify the org";
    Group: Get "/api/v1/groups/{id}" in Group, "look up a group";
    Groups: Get "/api/v1/groups" in Groups, "list groups";
    GroupsOfUser: Get "/api/v1/users/{id}/groups" in Users, "list the groups of a user";
    Members: Get "/api/v1/groups/{id}/users" in Groups, "list the members of a group";
    Token: Post "/oauth2/v1/token" in Token, "fetch an access token";
    User: Get "/api/v1/users/{id}" in User, "look up a user";
    Users: Get "/api/v1/users" in Users, "list users";

    Me: Get "/api/v1/users/me" in User, "look up the owner of the setup token";
    MyRoles: Get "/api/v1/users/{id}/roles" in Other, "list the roles of the owner of the setup token";
    RevokeToken: Delete "/api/v1/api-tokens/current" in Other, "revoke the setup token";

    Apps: Get "/api/v1/apps" in Apps, "look for the app";
    CreateApp: Post "/api/v1/apps" in Apps, "create the app";
    App: Get "/api/v1/apps/{id}" in App, "look for the app";
    UpdateApp: Put "/api/v1/apps/{id}" in App, "update the app";
    ActivateApp: Post "/api/v1/apps/{id}/lifecycle/activate" in Apps, "activate the app";
    DeactivateApp: Post "/api/v1/apps/{id}/lifecycle/deactivate" in Apps, "deactivate the app";
    DeleteApp: Delete "/api/v1/apps/{id}" in App, "delete the app";
    AddKey: Post "/api/v1/apps/{id}/credentials/jwks" in Apps, "add the key to the app";
    ActivateKey: Post "/api/v1/apps/{id}/credentials/jwks/{key}/lifecycle/activate" in Apps, "activate the key of the app";
    DeactivateKey: Post "/api/v1/apps/{id}/credentials/jwks/{key}/lifecycle/deactivate" in Apps, "deactivate a key of the app";
    DeleteKey: Delete "/api/v1/apps/{id}/credentials/jwks/{key}" in Apps, "delete a key of the app";
    Grants: Get "/api/v1/apps/{id}/grants" in Apps, "list the scopes of the app";
    GrantScope: Post "/api/v1/apps/{id}/grants" in Apps, "grant a scope to the app";
    RevokeScope: Delete "/api/v1/apps/{id}/grants/{grant}" in Apps, "revoke a scope of the app";
    ClientRoles: Get "/oauth2/v1/clients/{client}/roles" in Clients, "list the roles of the app";
    AssignRole: Post "/oauth2/v1/clients/{client}/roles" in Clients, "assign a role to the app";
    UnassignRole: Delete "/oauth2/v1/clients/{client}/roles/{role}" in Clients, "take a role away from the app";
    CustomRole: Get "/api/v1/iam/roles/{role}" in Iam, "look for the custom role";
    CreateRole: Post "/api/v1/iam/roles" in Iam, "create the custom role";
    DeleteRole: Delete "/api/v1/iam/roles/{role}" in Iam, "delete the custom role";
    Permissions: Get "/api/v1/iam/roles/{role}/permissions" in Iam, "list what the custom role may do";
    AddPermission: Post "/api/v1/iam/roles/{role}/permissions/{permission}" in Iam, "add a permission to the custom role";
    ResourceSet: Get "/api/v1/iam/resource-sets/{set}" in Iam, "look for the resource set";
    CreateResourceSet: Post "/api/v1/iam/resource-sets" in Iam, "create the resource set";
    DeleteResourceSet: Delete "/api/v1/iam/resource-sets/{set}" in Iam, "delete the resource set";
    Resources: Get "/api/v1/iam/resource-sets/{set}/resources" in Iam, "list what is in the resource set";
    AddResources: Patch "/api/v1/iam/resource-sets/{set}/resources" in Iam, "add users and groups to the resource set";
    RateLimits: Get "/api/v1/principal-rate-limits" in Other, "look up the app's share of the rate limits";
    CreateRateLimit: Post "/api/v1/principal-rate-limits" in Other, "set the app's share of the rate limits";
    UpdateRateLimit: Put "/api/v1/principal-rate-limits/{id}" in Other, "set the app's share of the rate limits";
}

impl Route {
    /// How often this is sent: the first contact with a host gives up early, for the usual cause of failure is a mistyped name.
    pub(crate) fn retry(self, policy: RetryPolicy) -> RetryPolicy {
        let most = if self == Self::Discovery { 4 } else { u32::MAX };
        RetryPolicy { max_attempts: policy.max_attempts.min(most), ..policy }
    }

    /// Whether a smaller page can help a server that is overburdened.
    pub(crate) const fn is_listing(self) -> bool {
        matches!(self, Self::Groups | Self::Members | Self::Users)
    }

    /// Whether this is a part of setting up an app, which takes an administrator's credential.
    pub(crate) const fn is_setup(self) -> bool {
        !matches!(
            self,
            Self::Discovery | Self::Group | Self::Groups | Self::GroupsOfUser | Self::Members | Self::Token | Self::User | Self::Users
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p15_one_app_has_a_counter_of_its_own_and_what_is_below_it_has_that_of_the_list() {
        for route in [Route::App, Route::UpdateApp, Route::DeleteApp] {
            assert_eq!((route.template(), route.bucket()), ("/api/v1/apps/{id}", Bucket::App), "{route:?}");
        }
        for route in [Route::Apps, Route::CreateApp, Route::ActivateApp, Route::DeactivateApp, Route::AddKey, Route::Grants] {
            assert_eq!(route.bucket(), Bucket::Apps, "{route:?}");
        }
    }
}
