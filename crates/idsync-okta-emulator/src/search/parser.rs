//! From words to a condition.

use super::dialect::Dialect;
use super::lexer::{Literal, Token, tokens};

/// A condition on users or groups.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    And(Box<Self>, Box<Self>),
    Compare { attribute: String, operator: Operator, literal: Literal },
    Or(Box<Self>, Box<Self>),
    Present(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Contains,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    StartsWith,
}

impl Operator {
    /// Operators are not case-sensitive.
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "co" => Self::Contains,
            "eq" => Self::Equal,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            "sw" => Self::StartsWith,
            _ => return None,
        })
    }
}

/// More is refused, so that nobody overflows the stack.
const DEEPEST: usize = 50;

impl Expression {
    /// Reads a condition; `None` when it is not one that this dialect knows.
    pub(crate) fn parse(text: &str, dialect: Dialect) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, dialect, depth: 0 };
        let expression = parser.or()?;
        parser.tokens.is_empty().then_some(expression)
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    dialect: Dialect,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Option<Expression> {
        let mut left = self.and()?;
        while self.takes_word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    /// Binds more tightly than `or`.
    fn and(&mut self) -> Option<Expression> {
        let mut left = self.condition()?;
        while self.takes_word("and") {
            left = Expression::And(Box::new(left), Box::new(self.condition()?));
        }
        Some(left)
    }

    fn condition(&mut self) -> Option<Expression> {
        match self.take()? {
            Token::Open => {
                self.depth += 1;
                let inner = (self.depth <= DEEPEST).then(|| self.or())??;
                self.depth -= 1;
                (self.take()? == &Token::Close).then_some(inner)
            }
            Token::Word(attribute) => self.comparison(attribute.clone()),
            Token::Close | Token::Literal(_) => None,
        }
    }

    fn comparison(&mut self, attribute: String) -> Option<Expression> {
        let Token::Word(word) = self.take()? else { return None };
        if word.eq_ignore_ascii_case("pr") {
            return self.dialect.allows_presence(&attribute).then_some(Expression::Present(attribute));
        }
        let operator = Operator::parse(word)?;
        let Token::Literal(literal) = self.take()?.clone() else { return None };
        self.dialect.allows(&attribute, operator, &literal).then_some(Expression::Compare { attribute, operator, literal })
    }

    fn take(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn takes_word(&mut self, word: &str) -> bool {
        match self.tokens.split_first() {
            Some((Token::Word(found), rest)) if found.eq_ignore_ascii_case(word) => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }
}
