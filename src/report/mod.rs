//! From a judgement to what people read: the terminal's table, Markdown, HTML, charts. Everything is drawn
//! from the run directory and the judgement alone; nothing is measured or decided here.

pub mod chart;
mod lang;
mod number;
pub mod table;

pub use lang::Lang;
