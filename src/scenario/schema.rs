//! The JSON Schema of scenario files, for editors that complete and check TOML by it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Scenario;

/// JSON Schema (draft 7, which TOML editors read best) of a scenario file. No key is required: each has a default.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Scenario>().to_value();
    nothing_required(&mut schema);
    if let Some(definitions) = schema.get_mut("definitions").and_then(Value::as_object_mut) {
        definitions.values_mut().for_each(nothing_required);
    }
    schema
}

/// The tables' own keys all have defaults; the parts of a choice (`lognormal = { median, sigma }`) stay required.
fn nothing_required(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
}
