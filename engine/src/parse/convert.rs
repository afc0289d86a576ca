//! The part of Python's tree that is the expression language.
//!
//! In: ruff's tree, of a depth that the scan has bounded. Out: ours. Never drops a part of what was written: it is
//! converted or refused.

use super::{MAX_NODES, Offsets, Refusal};
use crate::error::Result as EngineResult;
use crate::expr::{
    Assignment, BinaryOp, Call, Choice, CompareOp, Expr, ExprKind, Keyword, Logic, Name, Number, Program, Span, SubscriptItem, UnaryOp,
    Unpack,
};
use ruff_python_ast as ast;
use ruff_text_size::Ranged;
use std::sync::Arc;

type Result<T> = std::result::Result<T, Refusal>;

/// The program of a module.
pub(super) fn convert(module: ast::ModModule, offsets: &Offsets, text: &Arc<str>) -> EngineResult<Program> {
    let mut converter = Converter { offsets, text, nodes: 0 };
    converter.program(&module.body).map_err(|refusal| refusal.into_error(text))
}

struct Converter<'a> {
    offsets: &'a Offsets,
    text: &'a Arc<str>,
    nodes: usize,
}

impl Converter<'_> {
    fn span(&self, node: &impl Ranged) -> Span {
        self.offsets.span(node.range())
    }

    fn written(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    fn program(&mut self, body: &[ast::Stmt]) -> Result<Program> {
        let Some((last, before)) = body.split_last() else {
            return Err(Refusal::new(Span::default(), "the expression is empty"));
        };
        let mut assignments = Vec::with_capacity(before.len());
        for statement in before {
            assignments.push(self.assignment(statement)?);
        }
        let ast::Stmt::Expr(result) = last else {
            let assignment = self.assignment(last)?;
            let name = assignment.targets.first().map_or("name", |target| target.text.as_str());
            let refusal = Refusal::new(self.span(last), "the last line is an assignment, so there is nothing to compute");
            return Err(refusal.hint(format!("add a last line that says what is wanted: {name}")));
        };
        let result = self.expr(&result.value)?;
        Ok(Program { text: self.text.clone(), assignments, result })
    }

    fn assignment(&mut self, statement: &ast::Stmt) -> Result<Assignment> {
        let span = self.span(statement);
        let assign = match statement {
            ast::Stmt::Assign(assign) => assign,
            ast::Stmt::Expr(_) => {
                let refusal = Refusal::new(span, "nothing is done with the value of this line");
                return Err(
                    refusal.hint("give it a name (name = ...), leave it out, or put parentheses around an expression of several lines")
                );
            }
            ast::Stmt::AugAssign(augmented) => {
                let (target, value) = (self.span(augmented.target.as_ref()), self.span(augmented.value.as_ref()));
                let (target, value) = (self.written(target), self.written(value));
                let hint = format!("write {target} = {target} {} ({value})", augmented.op.as_str());
                return Err(Refusal::new(span, format!("`{}=` is not in the expression language", augmented.op.as_str())).hint(hint));
            }
            other => return Err(Refusal::new(span, format!("{} are not in the expression language", statement_name(other)))),
        };
        let [target] = assign.targets.as_slice() else {
            return Err(
                Refusal::new(span, "several `=` in one line are not in the expression language").hint("write one assignment a line")
            );
        };
        let (targets, unpack) = self.targets(target)?;
        Ok(Assignment { targets, unpack, value: self.expr(&assign.value)? })
    }

    fn targets(&mut self, target: &ast::Expr) -> Result<(Vec<Name>, Unpack)> {
        let items = match target {
            ast::Expr::Tuple(tuple) => &tuple.elts,
            ast::Expr::List(list) => &list.elts,
            one => return Ok((vec![self.target(one)?], Unpack::Whole)),
        };
        let names = items.iter().map(|item| self.target(item)).collect::<Result<Vec<_>>>()?;
        Ok((names, Unpack::Each))
    }

    fn target(&mut self, target: &ast::Expr) -> Result<Name> {
        self.count(target)?;
        let span = self.span(target);
        match target {
            ast::Expr::Name(name) => Ok(Name { text: name.id.to_string(), span }),
            ast::Expr::Subscript(_) | ast::Expr::Attribute(_) => {
                let hint = "datasets are never changed in place: use name = ds.assign(v=...) or da.assign_coords(...)";
                Err(Refusal::new(span, "only a plain name can be assigned to").hint(hint))
            }
            _ => Err(Refusal::new(span, "only a plain name can be assigned to")),
        }
    }

    fn count(&mut self, node: &impl Ranged) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let refusal = Refusal::new(self.span(node), format!("the expression has more than {MAX_NODES} parts"));
            return Err(refusal.hint("put long lists of numbers into a file and open it with --open"));
        }
        Ok(())
    }

    fn expr(&mut self, e: &ast::Expr) -> Result<Expr> {
        self.count(e)?;
        let span = self.span(e);
        let kind = match e {
            ast::Expr::Name(name) => ExprKind::Name(name.id.to_string()),
            ast::Expr::NumberLiteral(number) => ExprKind::Number(number_of(&number.value, span)?),
            ast::Expr::StringLiteral(text) => ExprKind::Text(text.value.to_str().to_string()),
            ast::Expr::BooleanLiteral(literal) => ExprKind::Bool(literal.value),
            ast::Expr::NoneLiteral(_) => ExprKind::None,
            ast::Expr::EllipsisLiteral(_) => ExprKind::Ellipsis,
            ast::Expr::List(list) => ExprKind::List(self.exprs(&list.elts)?),
            ast::Expr::Tuple(tuple) => ExprKind::Tuple(self.exprs(&tuple.elts)?),
            ast::Expr::Dict(dict) => ExprKind::Dict(self.dict(dict)?),
            ast::Expr::Attribute(attribute) => self.attribute(attribute)?,
            ast::Expr::Call(call) => ExprKind::Call(Box::new(self.call(call)?)),
            ast::Expr::Subscript(subscript) => self.subscript(subscript)?,
            ast::Expr::UnaryOp(unary) => self.unary(unary)?,
            ast::Expr::BinOp(binary) => self.binary(binary)?,
            ast::Expr::Compare(compare) => self.compare(compare, span)?,
            ast::Expr::BoolOp(logic) => {
                let op = if logic.op == ast::BoolOp::And { Logic::And } else { Logic::Or };
                ExprKind::Logic(op, self.exprs(&logic.values)?)
            }
            ast::Expr::If(choice) => ExprKind::Choice(Box::new(Choice {
                condition: self.expr(&choice.test)?,
                yes: self.expr(&choice.body)?,
                no: self.expr(&choice.orelse)?,
            })),
            other => return Err(refused(other, span)),
        };
        Ok(Expr { kind, span })
    }

    fn boxed(&mut self, e: &ast::Expr) -> Result<Box<Expr>> {
        self.expr(e).map(Box::new)
    }

    fn exprs(&mut self, items: &[ast::Expr]) -> Result<Vec<Expr>> {
        items.iter().map(|item| self.expr(item)).collect()
    }

    fn optional(&mut self, e: Option<&ast::Expr>) -> Result<Option<Expr>> {
        e.map(|e| self.expr(e)).transpose()
    }

    fn dict(&mut self, dict: &ast::ExprDict) -> Result<Vec<(Expr, Expr)>> {
        let mut pairs = Vec::with_capacity(dict.items.len());
        for item in &dict.items {
            let Some(key) = &item.key else {
                let refusal = Refusal::new(self.span(&item.value), "`**` inside a dict is not in the expression language");
                return Err(refusal.hint("write the entries out"));
            };
            pairs.push((self.expr(key)?, self.expr(&item.value)?));
        }
        Ok(pairs)
    }

    fn name(&self, identifier: &ast::Identifier) -> Name {
        Name { text: identifier.id.to_string(), span: self.span(identifier) }
    }

    fn attribute(&mut self, attribute: &ast::ExprAttribute) -> Result<ExprKind> {
        let value = self.boxed(&attribute.value)?;
        Ok(ExprKind::Attribute(value, self.name(&attribute.attr)))
    }

    fn call(&mut self, call: &ast::ExprCall) -> Result<Call> {
        let callee = self.expr(&call.func)?;
        let args = self.exprs(&call.arguments.args)?;
        let mut kwargs = Vec::with_capacity(call.arguments.keywords.len());
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref().map(|identifier| self.name(identifier));
            kwargs.push(Keyword { name, value: self.expr(&keyword.value)?, span: self.span(keyword) });
        }
        Ok(Call { callee, args, kwargs })
    }

    fn subscript(&mut self, subscript: &ast::ExprSubscript) -> Result<ExprKind> {
        let value = self.boxed(&subscript.value)?;
        let items = match subscript.slice.as_ref() {
            ast::Expr::Tuple(tuple) => tuple.elts.iter().map(|item| self.item(item)).collect::<Result<Vec<_>>>()?,
            one => vec![self.item(one)?],
        };
        Ok(ExprKind::Subscript(value, items))
    }

    fn item(&mut self, item: &ast::Expr) -> Result<SubscriptItem> {
        let ast::Expr::Slice(slice) = item else {
            return self.expr(item).map(SubscriptItem::Index);
        };
        self.count(item)?;
        Ok(SubscriptItem::Slice {
            start: self.optional(slice.lower.as_deref())?,
            stop: self.optional(slice.upper.as_deref())?,
            step: self.optional(slice.step.as_deref())?,
            span: self.span(slice),
        })
    }

    fn unary(&mut self, unary: &ast::ExprUnaryOp) -> Result<ExprKind> {
        let op = match unary.op {
            ast::UnaryOp::UAdd => UnaryOp::Plus,
            ast::UnaryOp::USub => UnaryOp::Minus,
            ast::UnaryOp::Invert => UnaryOp::Invert,
            ast::UnaryOp::Not => return Ok(ExprKind::Not(self.boxed(&unary.operand)?)),
        };
        Ok(ExprKind::Unary(op, self.boxed(&unary.operand)?))
    }

    fn binary(&mut self, binary: &ast::ExprBinOp) -> Result<ExprKind> {
        let op = match binary.op {
            ast::Operator::Add => BinaryOp::Add,
            ast::Operator::Sub => BinaryOp::Subtract,
            ast::Operator::Mult => BinaryOp::Multiply,
            ast::Operator::MatMult => BinaryOp::MatMul,
            ast::Operator::Div => BinaryOp::Divide,
            ast::Operator::FloorDiv => BinaryOp::FloorDivide,
            ast::Operator::Mod => BinaryOp::Remainder,
            ast::Operator::Pow => BinaryOp::Power,
            ast::Operator::BitAnd => BinaryOp::And,
            ast::Operator::BitOr => BinaryOp::Or,
            ast::Operator::BitXor => BinaryOp::Xor,
            ast::Operator::LShift | ast::Operator::RShift => {
                let refusal = Refusal::new(self.span(binary), format!("`{}` is not in the expression language", binary.op.as_str()));
                return Err(refusal.hint("multiply or floor-divide (`//`) by a power of two"));
            }
        };
        Ok(ExprKind::Binary(op, self.boxed(&binary.left)?, self.boxed(&binary.right)?))
    }

    fn compare(&mut self, compare: &ast::ExprCompare, span: Span) -> Result<ExprKind> {
        let ([op], [right]) = (&compare.ops[..], &compare.comparators[..]) else {
            let refusal = Refusal::new(span, "a chain of comparisons asks for one truth value, and an array has many");
            return Err(refusal.hint("compare twice: (a < b) & (b < c)"));
        };
        let op = match op {
            ast::CmpOp::Eq => CompareOp::Equal,
            ast::CmpOp::NotEq => CompareOp::NotEqual,
            ast::CmpOp::Lt => CompareOp::Less,
            ast::CmpOp::LtE => CompareOp::LessEqual,
            ast::CmpOp::Gt => CompareOp::Greater,
            ast::CmpOp::GtE => CompareOp::GreaterEqual,
            ast::CmpOp::Is | ast::CmpOp::IsNot => return Err(Refusal::new(span, "`is` is not in the expression language").hint("use `==`")),
            ast::CmpOp::In => return Ok(ExprKind::Contains(self.boxed(&compare.left)?, self.boxed(right)?)),
            ast::CmpOp::NotIn => {
                let contains = ExprKind::Contains(self.boxed(&compare.left)?, self.boxed(right)?);
                return Ok(ExprKind::Not(Box::new(Expr { kind: contains, span })));
            }
        };
        Ok(ExprKind::Compare(op, self.boxed(&compare.left)?, self.boxed(right)?))
    }
}

fn number_of(number: &ast::Number, span: Span) -> Result<Number> {
    match number {
        ast::Number::Float(value) => Ok(Number::Float(*value)),
        ast::Number::Int(value) => value.as_i64().map(Number::Int).ok_or_else(|| {
            Refusal::new(span, "this integer does not fit into 64 bits").hint("write it with a point or an exponent, as in 1e20")
        }),
        ast::Number::Complex { .. } => Err(Refusal::new(span, "complex numbers are not in the expression language")),
    }
}

/// Why an expression of Python is refused, and what to write instead.
fn refused(e: &ast::Expr, span: Span) -> Refusal {
    let (construct, hint) = match e {
        ast::Expr::Set(_) => ("sets", "write a list: [a, b]"),
        ast::Expr::Starred(_) => ("`*` before an argument or item", "write the items out"),
        ast::Expr::Slice(_) => ("slices outside of square brackets", "write slice(a, b)"),
        ast::Expr::FString(_) | ast::Expr::TString(_) => ("f-strings", "write the text out in plain quotes"),
        ast::Expr::BytesLiteral(_) => ("bytes", "write a text, without the b"),
        ast::Expr::IpyEscapeCommand(_) => ("notebook commands", "leave the line out"),
        _ => ("functions, comprehensions and generators", "write the operation on the whole array"),
    };
    Refusal::new(span, format!("not in the expression language: {construct}")).hint(hint)
}

fn statement_name(statement: &ast::Stmt) -> &'static str {
    match statement {
        ast::Stmt::AnnAssign(_) => "annotations",
        ast::Stmt::TypeAlias(_) => "type aliases",
        ast::Stmt::Match(_) => "`match` statements",
        ast::Stmt::IpyEscapeCommand(_) => "notebook commands",
        _ => "statements other than `name = expression`",
    }
}
