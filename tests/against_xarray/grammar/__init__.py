"""What may be written: each operator is a function that draws a template fit for the values it is given, or None."""
from . import along, combine, element, grid, group, pick, reduce, shape, window
from .registry import OPERATORS, Operator

__all__ = ['OPERATORS', 'Operator']
