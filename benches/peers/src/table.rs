//! Tables for a terminal and for Markdown.

use std::fmt;

/// A table; its first row is the head, its first column the names.  Words begin where their
/// column begins, figures end where it ends.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    style: Style,
}

/// How a table looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Columns set apart by spaces.
    Plain,
    /// Columns set apart by bars.
    Markdown,
}

impl Table {
    /// A table with this head.
    pub fn new(style: Style, head: impl IntoIterator<Item = String>) -> Self {
        Self { rows: vec![head.into_iter().collect()], style }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let is_text = |column: usize| {
            let mut cells = self.rows.iter().skip(1).map(|row| &row[column]);
            cells.all(|it| it.starts_with(char::is_alphabetic))
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let cells: Vec<_> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, &width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ if is_text(column) => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                })
                .collect();
            match self.style {
                Style::Plain => writeln!(f, "{}", cells.join("  ").trim_end())?,
                Style::Markdown => {
                    writeln!(f, "| {} |", cells.join(" | "))?;
                    if number == 0 {
                        let rule =
                            |column| if column == 0 || is_text(column) { "---|" } else { "--:|" };
                        writeln!(f, "|{}", (0..columns).map(rule).collect::<String>())?;
                    }
                }
            }
        }
        Ok(())
    }
}
