//! As much of HCL as a module needs, laid out as `terraform fmt` lays it out.

/// A whole file, or what is between the braces of a block.
#[derive(Debug, Default)]
pub(super) struct Body {
    items: Vec<Item>,
}

#[derive(Debug)]
enum Item {
    Argument { name: &'static str, value: String },
    Block { head: String, body: Body },
    Comment(&'static str),
    Gap,
}

impl Body {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// `name = value`, where the value is an expression.
    pub(super) fn argument(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(Item::Argument { name, value: value.into() })
    }

    /// `name = "text"`, where the text means itself whatever is in it.
    pub(super) fn text(self, name: &'static str, text: &str) -> Self {
        self.argument(name, quoted(text))
    }

    /// `name = ["text", "text"]`.
    pub(super) fn texts<T: AsRef<str>>(self, name: &'static str, texts: &[T]) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| quoted(text.as_ref())).collect();
        self.argument(name, format!("[{}]", texts.join(", ")))
    }

    /// `head { body }`; a head that ends in ` =` makes an object of it.
    pub(super) fn block(self, head: impl Into<String>, body: Self) -> Self {
        self.with(Item::Block { head: head.into(), body })
    }

    pub(super) fn comment(self, line: &'static str) -> Self {
        self.with(Item::Comment(line))
    }

    /// An empty line.
    pub(super) fn gap(self) -> Self {
        self.with(Item::Gap)
    }

    /// The text of a file.
    pub(super) fn render(&self) -> String {
        let mut out = String::new();
        self.lay_out("", &mut out);
        out
    }

    fn with(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    fn lay_out(&self, indent: &str, out: &mut String) {
        let arguments = |a: &Item, b: &Item| matches!((a, b), (Item::Argument { .. }, Item::Argument { .. }));
        for run in self.items.chunk_by(arguments) {
            let width = run.iter().map(Item::name_width).max().unwrap_or_default();
            for item in run {
                match item {
                    Item::Argument { name, value } => out.push_str(&format!("{indent}{name:width$} = {value}\n")),
                    Item::Block { head, body } => {
                        out.push_str(&format!("{indent}{head} {{\n"));
                        body.lay_out(&format!("{indent}  "), out);
                        out.push_str(&format!("{indent}}}\n"));
                    }
                    Item::Comment(line) => out.push_str(&format!("{indent}# {line}\n")),
                    Item::Gap => out.push('\n'),
                }
            }
        }
    }
}

impl Item {
    const fn name_width(&self) -> usize {
        match self {
            Self::Argument { name, .. } => name.len(),
            _ => 0,
        }
    }
}

/// The text as a quoted template that stands for exactly this text.
///
/// Characters that are not seen are written as escapes, so that what is reviewed is what is applied.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => out.extend([c, c]),
            _ if !unseen(c) => out.push(c),
            '\0'..='\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Control characters, and those that change how the characters around them are shown.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}
