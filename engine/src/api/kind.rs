//! What a handle stands for, known to the compiler: an array, a dataset, or groups of either.
//!
//! In: nothing; names of types. Out: which methods a handle has. Never a value: these types have none.

use crate::lazy::Value;
use std::marker::PhantomData;

/// A handle's kind: [`Array`], [`Dataset`] or [`Groups`] of them. No other type can be one.
pub trait Kind: sealed::Sealed + 'static {
    /// What a reduction, or an operator, gives.
    type Whole: Whole;
    /// What messages call it.
    const NAME: &'static str;
    #[doc(hidden)]
    fn admits(value: &Value) -> bool;
}

/// A kind that can be computed: [`Array`] or [`Dataset`].
pub trait Whole: Kind<Whole = Self> {}

/// One array: [`Lazy<Array>`](super::Lazy) is xarray's `DataArray`.
#[derive(Debug)]
pub enum Array {}

/// Named arrays: [`Lazy<Dataset>`](super::Lazy) is xarray's `Dataset`.
#[derive(Debug)]
pub enum Dataset {}

/// An array or a dataset that is taken apart - in groups, by windows, with weights - and waits for a reduction.
#[derive(Debug)]
pub struct Groups<K>(PhantomData<K>, Never);

#[derive(Debug)]
enum Never {}

impl Kind for Array {
    type Whole = Array;
    const NAME: &'static str = "an array";

    fn admits(value: &Value) -> bool {
        matches!(value, Value::Array(_) | Value::Numpy(_) | Value::Number(_) | Value::Bool(_) | Value::Later(_))
    }
}

impl Kind for Dataset {
    type Whole = Dataset;
    const NAME: &'static str = "a dataset";

    fn admits(value: &Value) -> bool {
        matches!(value, Value::Dataset(_))
    }
}

impl<K: Whole> Kind for Groups<K> {
    type Whole = K;
    const NAME: &'static str = "groups, windows or weights";

    fn admits(value: &Value) -> bool {
        match value {
            Value::Grouped(of) => K::admits(&of.object),
            Value::Weighted(of) => K::admits(&of.object),
            Value::Coarsened(of) => K::admits(&of.object),
            Value::Rolled(of) => K::admits(&of.object),
            _ => false,
        }
    }
}

impl Whole for Array {}
impl Whole for Dataset {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Array {}
    impl Sealed for super::Dataset {}
    impl<K> Sealed for super::Groups<K> {}
}
