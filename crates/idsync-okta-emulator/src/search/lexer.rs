//! Words, operators and literals.

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Close,
    Literal(Literal),
    Open,
    Word(String),
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Number(f64),
    Text(String),
}

/// Takes an expression apart; `None` when there is something in it that is none of these.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            '"' => literal(rest)?,
            _ => word(rest)?,
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Some(tokens)
}

/// String literals are JSON strings.
fn literal(text: &str) -> Option<(Token, &str)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = stream.next()?.ok()?;
    let after = stream.byte_offset();
    Some((Token::Literal(Literal::Text(value)), text.get(after..)?))
}

fn word(text: &str) -> Option<(Token, &str)> {
    let end = text.find(|character: char| character.is_whitespace() || "()\"".contains(character)).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let token = match word {
        "true" => Token::Literal(Literal::Bool(true)),
        "false" => Token::Literal(Literal::Bool(false)),
        _ if word.starts_with(|first: char| first.is_ascii_digit() || first == '-') => Token::Literal(Literal::Number(word.parse().ok()?)),
        _ => Token::Word(word.to_owned()),
    };
    (!word.is_empty()).then_some((token, after))
}
