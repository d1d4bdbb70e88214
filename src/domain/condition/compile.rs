//! From source to a tree that can be evaluated.

use std::borrow::Cow;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::parser::PrattParser;
use cel::parser::pratt_parser::{Lexer, Token, TokenKind};
use regex::{Regex, RegexBuilder};

use super::evaluate::{duration, timestamp};
use super::value::Value;
use super::{ConditionBounds, ConditionError, DEPTH_LIMIT, LENGTH_LIMIT};

/// Bytes that a compiled pattern may take: room for a few classes of Unicode, none for repeated repetitions.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// A part of a condition.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Value<'static>),
    Variable {
        index: usize,
        name: Box<str>,
    },
    /// The item of the list that `all` or one of its like goes through, counted from the outermost.
    Local(usize),
    Select {
        operand: Box<Node>,
        field: Box<str>,
        test: bool,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Conditional(Box<[Node; 3]>),
    Binary(Binary, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Quantified {
        quantifier: Quantifier,
        list: Box<Node>,
        predicate: Box<Node>,
    },
    Matches {
        text: Box<Node>,
        pattern: Box<Regex>,
    },
    Call(Function, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Index,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Double,
    Int,
    Timestamp,
    Duration,
}

impl Function {
    /// Names, and how many arguments with the one before the dot.
    const ALL: [(&'static str, usize, Function); 8] = [
        ("size", 1, Function::Size),
        ("contains", 2, Function::Contains),
        ("startsWith", 2, Function::StartsWith),
        ("endsWith", 2, Function::EndsWith),
        ("double", 1, Function::Double),
        ("int", 1, Function::Int),
        ("timestamp", 1, Function::Timestamp),
        ("duration", 1, Function::Duration),
    ];
}

pub(super) fn compile(
    source: &str,
    bounds: &ConditionBounds,
    variables: &[&str],
) -> Result<Node, ConditionError> {
    let length_max = bounds.length_max.min(LENGTH_LIMIT);
    let depth_max = bounds.depth_max.min(DEPTH_LIMIT);
    if source.len() > length_max {
        let detail = format!("the condition has {} bytes, {length_max} are allowed", source.len());
        return Err(error_at(source, length_max, detail));
    }
    let tokens = tokens(source, depth_max)?;
    // The parser has a bound of its own for brackets; the tokens have been checked for what it has none for.
    let parser = PrattParser::new().max_recursion_depth(u16::try_from(depth_max).unwrap_or(u16::MAX));
    let parsed = parser.parse(source).map_err(|errors| {
        let Some(error) = errors.errors.into_iter().next() else {
            return error_at(source, 0, "not a condition".to_owned());
        };
        // The parser counts columns in bytes.
        let place = |number: isize| usize::try_from(number).unwrap_or(0).saturating_sub(1);
        let before: usize = source.split_inclusive('\n').take(place(error.pos.0)).map(str::len).sum();
        error_at(source, before + place(error.pos.1), error.msg)
    })?;
    let mut compiler = Compiler { source, tokens, variables, locals: Vec::new(), depth_max };
    compiler.node(&parsed, 0)
}

/// An error at a byte of the source.
fn error_at(source: &str, offset: usize, detail: String) -> ConditionError {
    let offset = (0..=offset.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
    let before = &source[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ConditionError { line, column, detail }
}

/// The tokens, if nothing in them nests deeper than allowed. What makes the parser recurse is counted here, since it
/// does not bound all of it: brackets, prefix operators in a row, and conditionals.
fn tokens(source: &str, depth_max: usize) -> Result<Vec<Token>, ConditionError> {
    let mut lexer = Lexer::new(source);
    let mut tokens = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let (mut depth, mut prefixes, mut conditionals) = (0, 0, 0);
    loop {
        let token = lexer.lex();
        match token.kind {
            TokenKind::TokEnd => return Ok(tokens),
            TokenKind::TokWhitespace | TokenKind::TokComment => continue,
            TokenKind::TokError => {
                let detail = lexer.get_error().map_or("not a token of CEL", |error| error.message.as_str());
                return Err(error_at(source, token.start, detail.to_owned()));
            }
            TokenKind::TokExclamation | TokenKind::TokMinus => prefixes += 1,
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => {
                open.push(prefixes + 1);
                depth += prefixes + 1;
                prefixes = 0;
            }
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace => {
                depth -= open.pop().unwrap_or(0);
                prefixes = 0;
            }
            TokenKind::TokQuestion => {
                conditionals += 1;
                prefixes = 0;
            }
            _ => prefixes = 0,
        }
        if depth + prefixes + conditionals > depth_max {
            return Err(error_at(source, token.start, too_deep(depth_max)));
        }
        tokens.push(token);
    }
}

fn too_deep(depth_max: usize) -> String {
    format!("nested deeper than {depth_max} levels")
}

struct Compiler<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    variables: &'a [&'a str],
    /// Names of the items that quantifiers go through, outermost first.
    locals: Vec<String>,
    depth_max: usize,
}

impl Compiler<'_> {
    /// An error where `word` first stands as a name of its own (`is_member`: after a dot), else at the beginning.
    fn error(&self, word: &str, is_member: bool, detail: String) -> ConditionError {
        let mut after_dot = false;
        for token in &self.tokens {
            let text = self.source.get(token.start..token.end).unwrap_or_default();
            if text == word && after_dot == is_member {
                return error_at(self.source, token.start, detail);
            }
            after_dot = token.kind == TokenKind::TokDot;
        }
        error_at(self.source, 0, detail)
    }

    fn node(&mut self, expression: &IdedExpr, depth: usize) -> Result<Node, ConditionError> {
        if depth > self.depth_max {
            return Err(error_at(self.source, 0, too_deep(self.depth_max)));
        }
        match &expression.expr {
            Expr::Literal(literal) => self.literal(literal).map(Node::Constant),
            Expr::Ident(name) => self.name(name.strip_prefix('.').unwrap_or(name)),
            Expr::Select(select) => Ok(Node::Select {
                operand: Box::new(self.node(&select.operand, depth + 1)?),
                field: select.field.as_str().into(),
                test: select.test,
            }),
            Expr::List(list) => {
                let items: Vec<Node> =
                    list.elements.iter().map(|item| self.node(item, depth + 1)).collect::<Result<_, _>>()?;
                Ok(constant_list(items))
            }
            Expr::Comprehension(comprehension) => self.quantified(comprehension, depth),
            Expr::Call(call) => self.call(call, depth),
            Expr::Map(_) | Expr::Struct(_) => {
                Err(self.error("{", false, "maps and messages can't be written in a condition".to_owned()))
            }
            Expr::Unspecified => Err(error_at(self.source, 0, "not a condition".to_owned())),
        }
    }

    fn literal(&self, literal: &LiteralValue) -> Result<Value<'static>, ConditionError> {
        Ok(match literal {
            LiteralValue::Null => Value::Null,
            LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
            LiteralValue::Int(value) => Value::Integer(*value.inner()),
            LiteralValue::Double(value) => Value::Double(*value.inner()),
            LiteralValue::String(value) => Value::Text(Cow::Owned(value.inner().to_owned())),
            LiteralValue::UInt(value) => match i64::try_from(*value.inner()) {
                Ok(value) => Value::Integer(value),
                Err(_) => return Err(self.unsupported(TokenKind::TokUint, "this number is too large")),
            },
            LiteralValue::Bytes(_) => {
                return Err(self.unsupported(TokenKind::TokBytes, "there are no bytes in a condition"));
            }
        })
    }

    fn unsupported(&self, kind: TokenKind, detail: &str) -> ConditionError {
        let at = self.tokens.iter().find(|token| token.kind == kind).map_or(0, |token| token.start);
        error_at(self.source, at, detail.to_owned())
    }

    fn name(&self, name: &str) -> Result<Node, ConditionError> {
        if let Some(local) = self.locals.iter().rposition(|local| local == name) {
            return Ok(Node::Local(local));
        }
        match self.variables.iter().position(|variable| *variable == name) {
            Some(index) => Ok(Node::Variable { index, name: name.into() }),
            None => Err(self.error(name, false, format!("there is no {name} here"))),
        }
    }

    /// `all`, `exists` and `exists_one`, as the parser has expanded them.
    fn quantified(
        &mut self,
        comprehension: &ComprehensionExpr,
        depth: usize,
    ) -> Result<Node, ConditionError> {
        let only = "of the macros on lists there are all(), exists() and exists_one()";
        let (quantifier, argument) = match &comprehension.accu_init.expr {
            Expr::Literal(LiteralValue::Boolean(value)) if *value.inner() => (Quantifier::All, 1),
            Expr::Literal(LiteralValue::Boolean(_)) => (Quantifier::Exists, 1),
            Expr::Literal(LiteralValue::Int(_)) => (Quantifier::ExistsOne, 0),
            _ => {
                let word = if self.tokens.iter().any(|t| self.source.get(t.start..t.end) == Some("map")) {
                    "map"
                } else {
                    "filter"
                };
                return Err(self.error(word, true, only.to_owned()));
            }
        };
        let Expr::Call(CallExpr { args, .. }) = &comprehension.loop_step.expr else {
            return Err(error_at(self.source, 0, only.to_owned()));
        };
        let Some(predicate) = args.get(argument) else {
            return Err(error_at(self.source, 0, only.to_owned()));
        };
        let list = self.node(&comprehension.iter_range, depth + 1)?;
        self.locals.push(comprehension.iter_var.clone());
        let predicate = self.node(predicate, depth + 1);
        self.locals.pop();
        Ok(Node::Quantified { quantifier, list: Box::new(list), predicate: Box::new(predicate?) })
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Result<Node, ConditionError> {
        let is_member = call.target.is_some();
        let name = call.func_name.strip_prefix('.').unwrap_or(&call.func_name);
        let mut arguments: Vec<Node> = Vec::with_capacity(call.args.len() + 1);
        for argument in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
            arguments.push(self.node(argument, depth + 1)?);
        }
        if name == "matches" {
            return self.matches(arguments, is_member);
        }
        if let Some((_, count, function)) = Function::ALL.into_iter().find(|(known, ..)| *known == name) {
            if arguments.len() != count {
                return Err(self.error(name, is_member, format!("{name}() takes {count} values here")));
            }
            return self.constant_call(function, arguments, name, is_member);
        }
        let mut parts = arguments.into_iter().map(Box::new);
        let node = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(a), Some(b), Some(c), None) if name == operators::CONDITIONAL => {
                Some(Node::Conditional(Box::new([*a, *b, *c])))
            }
            (Some(a), Some(b), None, None) => match name {
                operators::LOGICAL_AND => Some(Node::And(a, b)),
                operators::LOGICAL_OR => Some(Node::Or(a, b)),
                _ => binary(name).map(|operator| Node::Binary(operator, a, b)),
            },
            (Some(a), None, None, None) => match name {
                operators::LOGICAL_NOT => Some(Node::Not(a)),
                operators::NEGATE => Some(Node::Negate(a)),
                _ => None,
            },
            _ => None,
        };
        node.ok_or_else(|| self.error(name, is_member, format!("there is no function {name}() here")))
    }

    fn matches(&self, arguments: Vec<Node>, is_member: bool) -> Result<Node, ConditionError> {
        let mut arguments = arguments.into_iter();
        let (text, pattern) = (arguments.next(), arguments.next());
        let (Some(text), Some(Node::Constant(Value::Text(pattern))), None) =
            (text, pattern, arguments.next())
        else {
            let detail = "matches() takes a text and a pattern, which is written out";
            return Err(self.error("matches", is_member, detail.to_owned()));
        };
        match RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(pattern) => Ok(Node::Matches { text: Box::new(text), pattern: Box::new(pattern) }),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(self.error("matches", is_member, "the pattern is too large".to_owned()))
            }
            Err(error) => {
                // The message draws the pattern over several lines; the last one says what is wrong.
                let message = error.to_string();
                let detail =
                    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(self.error("matches", is_member, format!("not a regular expression: {detail}")))
            }
        }
    }

    /// A call; of a time that is written out only once.
    fn constant_call(
        &self,
        function: Function,
        arguments: Vec<Node>,
        name: &str,
        is_member: bool,
    ) -> Result<Node, ConditionError> {
        if let [Node::Constant(Value::Text(text))] = arguments.as_slice() {
            let value = match function {
                Function::Timestamp => Some(timestamp(text)),
                Function::Duration => Some(duration(text)),
                _ => None,
            };
            if let Some(value) = value {
                return value.map(Node::Constant).map_err(|error| self.error(name, is_member, error.0));
            }
        }
        Ok(Node::Call(function, arguments))
    }
}

/// A list of constants is a constant.
fn constant_list(items: Vec<Node>) -> Node {
    if !items.iter().all(|item| matches!(item, Node::Constant(_))) {
        return Node::List(items);
    }
    let constants = items.into_iter().filter_map(|item| match item {
        Node::Constant(value) => Some(value),
        _ => None,
    });
    Node::Constant(Value::List(constants.collect()))
}

fn binary(name: &str) -> Option<Binary> {
    Some(match name {
        operators::EQUALS => Binary::Equal,
        operators::NOT_EQUALS => Binary::NotEqual,
        operators::LESS => Binary::Less,
        operators::LESS_EQUALS => Binary::LessOrEqual,
        operators::GREATER => Binary::Greater,
        operators::GREATER_EQUALS => Binary::GreaterOrEqual,
        operators::IN => Binary::In,
        operators::INDEX => Binary::Index,
        operators::ADD => Binary::Add,
        operators::SUBSTRACT => Binary::Subtract,
        operators::MULTIPLY => Binary::Multiply,
        operators::DIVIDE => Binary::Divide,
        operators::MODULO => Binary::Modulo,
        _ => return None,
    })
}
