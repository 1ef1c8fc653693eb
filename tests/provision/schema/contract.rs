//! An OpenAPI 3.0 document as something that requests can be checked against.

use super::scenarios::Sent;
use boon::{Compiler, Draft, ErrorKind, SchemaIndex, Schemas, ValidationError};
use serde_json::{Map, Value, json};

/// Not an address that anything is read from: everything is in the document.
const PLACE: &str = "http://document.invalid/openapi.json";

pub(super) struct Contract {
    operations: Vec<Operation>,
    schemas: Schemas,
}

struct Operation {
    method: String,
    template: String,
    parameters: Vec<Parameter>,
    body: Option<Body>,
}

/// A parameter in the query.
struct Parameter {
    name: String,
    is_required: bool,
    kind: String,
    schema: SchemaIndex,
}

struct Body {
    is_required: bool,
    contents: Vec<(String, SchemaIndex)>,
}

impl Contract {
    pub(super) fn of(document: &Value) -> Self {
        let mut outlines = Vec::new();
        for (template, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters") {
                outlines.push(Outline::of(document, method, template, item, operation));
            }
        }
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.add_resource(PLACE, Conversion(document).whole(&outlines)).unwrap();
        let mut schemas = Schemas::new();
        let mut compile = |pointer: String| {
            let place = format!("{PLACE}#{pointer}");
            compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{pointer}: {error:#}"))
        };
        let operations = outlines.iter().enumerate().map(|(index, outline)| outline.compiled(index, &mut compile)).collect();
        Self { operations, schemas }
    }

    fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        let found = self.operations.iter().filter(|operation| operation.method == method && matches(&operation.template, path));
        // A word in a path comes before a parameter in the same place.
        found.min_by_key(|operation| operation.template.matches('{').count())
    }

    /// The operation that a request is for.
    pub(super) fn operation(&self, sent: &Sent) -> Option<String> {
        self.find(&sent.method, &sent.path).map(|operation| format!("{} {}", operation.method, operation.template))
    }

    /// What is wrong with a request.
    pub(super) fn faults(&self, sent: &Sent) -> Vec<String> {
        let Some(operation) = self.find(&sent.method, &sent.path) else { return vec!["no such operation".to_owned()] };
        [self.query_faults(operation, &sent.query), self.body_faults(operation, sent)].concat()
    }

    fn query_faults(&self, operation: &Operation, query: &str) -> Vec<String> {
        let given: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let missing = operation.parameters.iter().filter(|parameter| parameter.is_required);
        let missing = missing.filter(|parameter| given.iter().all(|(name, _)| *name != parameter.name));
        let mut faults: Vec<_> = missing.map(|parameter| format!("the parameter {} is missing", parameter.name)).collect();
        for (name, text) in &given {
            match operation.parameters.iter().find(|parameter| parameter.name == *name) {
                None => faults.push(format!("the parameter {name} is not declared")),
                Some(parameter) => faults.extend(self.invalid(parameter.schema, &parameter.value(text))),
            }
        }
        faults
    }

    fn body_faults(&self, operation: &Operation, sent: &Sent) -> Vec<String> {
        match (&operation.body, &sent.body) {
            (None, Some(_)) => vec!["a body is not declared".to_owned()],
            (Some(body), None) if body.is_required => vec!["the body is missing".to_owned()],
            (Some(declared), Some(body)) => {
                let kind = sent.content_type.as_deref().unwrap_or_default();
                match declared.contents.iter().find(|(declared, _)| declared == kind) {
                    None => vec![format!("the content type {kind} is not declared")],
                    Some((_, schema)) => self.invalid(*schema, body).into_iter().collect(),
                }
            }
            _ => Vec::new(),
        }
    }

    fn invalid(&self, schema: SchemaIndex, value: &Value) -> Option<String> {
        self.schemas.validate(value, schema).err().map(|error| reason(&error))
    }
}

/// What a value is refused for. Whatever is around a fault counts as undescribed as well, so undescribed members only matter where there
/// is nothing else, and then the innermost.
fn reason(error: &ValidationError<'_, '_>) -> String {
    let mut all = Vec::new();
    collect(error, &mut all);
    let depth = |error: &ValidationError<'_, '_>| error.instance_location.tokens.len();
    let rank = |error: &ValidationError<'_, '_>| match error.kind {
        ErrorKind::FalseSchema => depth(error),
        _ => usize::MAX,
    };
    let most = all.iter().map(|error| rank(error)).max();
    let told = all.iter().filter(|error| Some(rank(error)) == most).map(|error| match error.kind {
        ErrorKind::FalseSchema => format!("{}: not described", error.instance_location),
        _ => format!("{}: {}", error.instance_location, error.kind),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The errors without those that only say that there are others.
fn collect<'e, 's, 'v>(error: &'e ValidationError<'s, 'v>, all: &mut Vec<&'e ValidationError<'s, 'v>>) {
    match error.causes.as_slice() {
        [] => all.push(error),
        causes => causes.iter().for_each(|cause| collect(cause, all)),
    }
}

/// Whether a path is one of a template's.
pub(super) fn matches(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == found || (wanted.starts_with('{') && !found.is_empty()) => {}
            _ => return false,
        }
    }
}

impl Parameter {
    /// What a text in a query stands for.
    fn value(&self, text: &str) -> Value {
        match self.kind.as_str() {
            "integer" | "boolean" => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            _ => json!(text),
        }
    }
}

/// An operation with its parts looked up, before its schemas are compiled.
struct Outline<'a> {
    method: String,
    template: &'a str,
    parameters: Vec<&'a Value>,
    body: Option<&'a Value>,
}

impl<'a> Outline<'a> {
    fn of(document: &'a Value, method: &str, template: &'a str, item: &'a Value, operation: &'a Value) -> Self {
        let listed = [&item["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten();
        let parameters = listed.map(|parameter| resolved(document, parameter)).filter(|parameter| parameter["in"] == "query").collect();
        Self { method: method.to_uppercase(), template, parameters, body: operation.get("requestBody") }
    }

    fn contents(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.body.and_then(|body| body["content"].as_object()).into_iter().flatten()
    }

    fn compiled(&self, index: usize, compile: &mut impl FnMut(String) -> SchemaIndex) -> Operation {
        let parameters = self.parameters.iter().enumerate().map(|(place, parameter)| Parameter {
            name: parameter["name"].as_str().unwrap().to_owned(),
            is_required: parameter["required"] == true,
            kind: parameter["schema"]["type"].as_str().unwrap_or_default().to_owned(),
            schema: compile(format!("/operations/{index}/parameters/{place}")),
        });
        let parameters = parameters.collect();
        let body = self.body.map(|body| Body {
            is_required: body["required"] == true,
            contents: self
                .contents()
                .enumerate()
                .map(|(place, (kind, _))| (kind.clone(), compile(format!("/operations/{index}/contents/{place}"))))
                .collect(),
        });
        Operation { method: self.method.clone(), template: self.template.to_owned(), parameters, body }
    }
}

/// What a reference leads to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or_else(|| panic!("nothing is at {pointer}")),
        None => value,
    }
}

/// Turns schemas of OpenAPI 3.0 into JSON Schema, as they hold for requests.
struct Conversion<'a>(&'a Value);

impl Conversion<'_> {
    /// Says the same in both.
    const SAME: [&'static str; 12] = [
        "$ref",
        "type",
        "enum",
        "required",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "pattern",
    ];

    fn whole(&self, outlines: &[Outline<'_>]) -> Value {
        let components = self.0["components"]["schemas"].as_object().unwrap();
        let components: Map<_, _> = components.iter().map(|(name, schema)| (name.clone(), self.schema(schema))).collect();
        let operations = outlines.iter().map(|outline| {
            let parameters: Vec<_> = outline.parameters.iter().map(|parameter| self.schema(&parameter["schema"])).collect();
            let contents: Vec<_> = outline.contents().map(|(_, content)| self.closed(&content["schema"])).collect();
            json!({"parameters": parameters, "contents": contents})
        });
        json!({"components": {"schemas": components}, "operations": operations.collect::<Vec<_>>()})
    }

    fn schema(&self, schema: &Value) -> Value {
        let Some(from) = schema.as_object() else { return schema.clone() };
        let mut to: Map<String, Value> = from.iter().filter(|(name, _)| Self::SAME.contains(&name.as_str())).map(cloned).collect();
        if let Some(members) = from.get("properties").and_then(Value::as_object) {
            if let Some(Value::Array(required)) = to.get_mut("required") {
                required.retain(|name| !name.as_str().and_then(|name| members.get(name)).is_some_and(|member| self.is_read_only(member)));
            }
            to.insert("properties".to_owned(), members.iter().map(|(name, member)| (name.clone(), self.member(member))).collect());
        }
        for name in ["items", "additionalProperties"] {
            from.get(name).map(|part| to.insert(name.to_owned(), self.closed(part)));
        }
        for name in ["allOf", "anyOf", "oneOf"] {
            let parts = from.get(name).and_then(Value::as_array);
            parts.map(|parts| to.insert(name.to_owned(), parts.iter().map(|part| self.schema(part)).collect()));
        }
        if schema["nullable"] == true { json!({"anyOf": [to, {"type": "null"}]}) } else { Value::Object(to) }
    }

    /// What is only there to be read is as good as undescribed in a request.
    fn member(&self, schema: &Value) -> Value {
        if self.is_read_only(schema) { json!(true) } else { self.closed(schema) }
    }

    /// A schema that allows no members but those that it describes: a misspelt one would be as good as not sent.
    fn closed(&self, schema: &Value) -> Value {
        let mut closed = self.schema(schema);
        if self.has_members(schema) {
            closed["unevaluatedProperties"] = json!(false);
        }
        closed
    }

    fn is_read_only(&self, schema: &Value) -> bool {
        let target = resolved(self.0, schema);
        schema["readOnly"] == true || target["readOnly"] == true || parts(target, "allOf").any(|part| self.is_read_only(part))
    }

    fn has_members(&self, schema: &Value) -> bool {
        let schema = resolved(self.0, schema);
        let whole = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|name| parts(schema, name));
        schema["properties"].is_object() || whole.into_iter().any(|part| self.has_members(part))
    }
}

fn parts<'a>(schema: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    schema[name].as_array().into_iter().flatten()
}

fn cloned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
