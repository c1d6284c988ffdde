//! The JSON Schema of scenario files, for editors that complete and check TOML by it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{DEFAULTS, Scenario};

/// JSON Schema (draft 7, which TOML editors read best) of a scenario file. No key is required: each has a default,
/// which the schema gives except for devices, whose defaults differ from kind to kind.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Scenario>().to_value();
    nothing_required(&mut schema);
    if let Some(definitions) = schema.get_mut("definitions").and_then(Value::as_object_mut) {
        definitions.values_mut().for_each(nothing_required);
    }
    if let Ok(Value::Object(defaults)) = toml::from_str(DEFAULTS) {
        for (key, value) in defaults {
            give_default(&mut schema, &key, value);
        }
    }
    schema
}

/// The tables' own keys all have defaults; the parts of a choice (`lognormal = { median, sigma }`) stay required.
fn nothing_required(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
}

/// Writes the default of a key of the scenario, or of each key of its table, into the schema.
fn give_default(schema: &mut Value, key: &str, default: Value) {
    let Some(property) = schema.pointer_mut(&format!("/properties/{key}")) else {
        return;
    };
    let table = property
        .pointer("/allOf/0/$ref")
        .or_else(|| property.get("$ref"));
    let table = table
        .and_then(Value::as_str)
        .map(|reference| reference.trim_start_matches('#').to_owned());
    match (table, default) {
        (Some(table), Value::Object(defaults)) if table != "/definitions/Device" => {
            for (key, value) in defaults {
                if let Some(Value::Object(property)) =
                    schema.pointer_mut(&format!("{table}/properties/{key}"))
                {
                    property.insert("default".to_owned(), value);
                }
            }
        }
        (None, default) => {
            if let Value::Object(property) = property {
                property.insert("default".to_owned(), default);
            }
        }
        _ => {}
    }
}
