//! A file's rows, as documents' data.

use serde_json::{Map, Value};

use super::Format;
use super::columns::{Column, declared};
use crate::documents::schema::Schema;
use crate::problem::{FieldError, Problem, Result, kinds};

/// How many rows one file may have.
const MOST: usize = 5000;

/// A row: a document's data, or what is wrong with it.
pub(super) type Row = std::result::Result<Incoming, Problem>;

/// What a row says.
pub(super) struct Incoming {
    /// The document's id, if the row has one.
    pub(super) id: Option<String>,
    pub(super) data: Value,
}

/// The rows of a file. 400 if it has no rows at all or too many, or a table's head makes no sense.
pub(super) fn read(bytes: &[u8], format: Format, schema: &Schema) -> Result<Vec<Row>> {
    let rows = match format {
        Format::Jsonl => lines(bytes),
        Format::Csv => table(bytes, schema)?,
    };
    if rows.len() > MOST {
        let detail = format!("A file has at most {MOST} rows. Send it in pieces.");
        return Err(Problem::new(&kinds::PAYLOAD_TOO_LARGE).detail(detail));
    }
    Ok(rows)
}

fn lines(bytes: &[u8]) -> Vec<Row> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.map(line).collect()
}

fn line(line: &[u8]) -> Row {
    let value: Value = serde_json::from_slice(line).map_err(|error| {
        Problem::new(&kinds::MALFORMED_JSON).detail(format!("No JSON from column {} on.", error.column()))
    })?;
    let Value::Object(mut object) = value else {
        return Err(Problem::invalid_field("", "type", "must be an object with `data`"));
    };
    let data = object.remove("data").ok_or_else(|| Problem::invalid_field("/data", "required", "is required"))?;
    let id = object.get("id").and_then(Value::as_str).map(str::to_owned);
    clean(Incoming { id, data })
}

fn table(bytes: &[u8], schema: &Schema) -> Result<Vec<Row>> {
    // Spreadsheets begin their files so.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let head = reader.headers().map_err(|error| Problem::bad_request(format!("The table's head: {error}.")))?.clone();
    let known = declared(schema);
    let mut columns = Vec::new();
    for name in &head {
        columns.push(Column::read(name.trim(), &known).map_err(Problem::bad_request)?);
    }
    let id = head.iter().position(|name| name.trim() == "id");
    if columns.iter().all(Option::is_none) {
        return Err(Problem::bad_request("The table has no column of a field below `data`."));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(record.map_err(|error| malformed(&error)).and_then(|record| {
            if record.len() != columns.len() {
                let detail = format!("has {} cells, and the table {} columns", record.len(), columns.len());
                return Err(Problem::invalid_field("", "cells", detail));
            }
            let mut data = Value::Object(Map::new());
            for (column, cell) in columns.iter().zip(&record) {
                if let Some(column) = column
                    && let Some(value) = column.value(cell)
                {
                    column.put(&mut data, &value);
                }
            }
            let id = id.and_then(|at| record.get(at)).filter(|id| !id.is_empty()).map(str::to_owned);
            clean(Incoming { id, data })
        }));
    }
    Ok(rows)
}

fn malformed(error: &csv::Error) -> Problem {
    Problem::validation(vec![FieldError::new("", "format", format!("is no row of a table: {error}"))])
}

/// As bodies are: PostgreSQL's text cannot hold U+0000.
fn clean(row: Incoming) -> Row {
    crate::http::refuse_nul(&row.data)?;
    Ok(row)
}
