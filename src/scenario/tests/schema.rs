//! The schema that editors read, held against the scenarios that it is for.

use serde_json::Value;

use super::super::*;

/// What is wrong with a value by a schema, by the few keywords that ours uses.
fn faults(schema: &Value, root: &Value, value: &Value, path: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return faults(root.pointer(&reference[1..]).unwrap(), root, value, path);
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all
            .iter()
            .flat_map(|one| faults(one, root, value, path))
            .collect();
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(forms) = schema[choice].as_array() {
            let fits = forms
                .iter()
                .any(|form| faults(form, root, value, path).is_empty());
            return if fits {
                vec![]
            } else {
                vec![format!("{path}: no form fits {value}")]
            };
        }
    }
    let mut found = Vec::new();
    let is_type = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("{path}: type {other}"),
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !types.is_empty() && !types.iter().any(|name| is_type(name)) {
        found.push(format!("{path}: {value} is not {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{path}: {value} is none of {words:?}"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !fits(pattern, text)
    {
        found.push(format!("{path}: {text} does not fit {pattern}"));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{path}: {value} is not {}", schema["const"]));
    }
    if schema["items"].is_object() {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            found.extend(faults(
                &schema["items"],
                root,
                item,
                &format!("{path}.{index}"),
            ));
        }
    }
    let number = value.as_f64().unwrap_or_default();
    if schema["minimum"]
        .as_f64()
        .is_some_and(|least| number < least)
        || schema["maximum"].as_f64().is_some_and(|most| number > most)
    {
        found.push(format!("{path}: {value} is out of range"));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(property) => found.extend(faults(property, root, inner, &format!("{path}.{key}"))),
            None if schema["patternProperties"].is_object() => {
                let of_name = schema["patternProperties"].as_object().unwrap();
                let (pattern, property) = of_name.iter().next().unwrap();
                if fits(pattern, key) {
                    found.extend(faults(property, root, inner, &format!("{path}.{key}")));
                } else {
                    found.push(format!("{path}: {key} does not fit {pattern}"));
                }
            }
            None if schema["additionalProperties"] == false => {
                found.push(format!("{path}: unknown key {key}"));
            }
            None => {}
        }
    }
    for key in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if value.get(key).is_none() {
            found.push(format!("{path}: no {key}"));
        }
    }
    found
}

/// Whether a text fits a pattern; only that of an arm's name is known here.
fn fits(pattern: &str, text: &str) -> bool {
    !pattern.starts_with("^((pop3|imap)") || text.parse::<Arm>().is_ok()
}

fn faults_of(text: &str) -> Vec<String> {
    let schema = schema();
    let value: Value = toml::from_str(text).unwrap();
    faults(&schema, &schema, &value, "")
}

#[test]
fn it_accepts_the_shipped_scenarios_the_defaults_and_what_show_prints() {
    for builtin in BUILTINS {
        assert_eq!(faults_of(builtin.text), [""; 0], "{}", builtin.name);
        assert_eq!(
            faults_of(&Scenario::builtin(builtin.name).unwrap().to_toml()),
            [""; 0]
        );
    }
    assert_eq!(faults_of(DEFAULTS), [""; 0]);
    assert_eq!(faults_of(""), [""; 0], "every key has a default");
}

#[test]
fn it_refuses_what_the_reader_refuses() {
    for text in [
        "users = { cuont = 5 }",
        "users = { phone = 1.5 }",
        "run = { arms = [\"pop4\"] }",
        "arm = { cached = { about = \"x\" } }",
        "arm = { imap-x = { base = \"x\" } }",
        "arm = { imap-x = { phone = { imap = { window = 0.5 } } } }",
        "run = { measure = 5 }",
        "phone = { imap = { watch = \"idle\" } }",
        "mail = { sizes = \"spec2011\" }",
        "phone = { network = \"5g\" }",
        "phone = { radio = \"gsm\" }",
        "mailbox = { messages = { lognormal = { median = 5 } } }",
    ] {
        assert_ne!(faults_of(text), [""; 0], "{text}");
        assert!(Scenario::parse("x.toml", text, &[]).is_err(), "{text}");
    }
}

#[test]
fn it_says_what_every_key_means_and_what_its_default_is() {
    let schema = schema();
    assert_eq!(schema["title"], "mailgauge scenario");
    let mut keys = 0;
    let tables =
        std::iter::once(&schema).chain(schema["definitions"].as_object().unwrap().values());
    for (name, property) in tables
        .filter_map(|table| table["properties"].as_object())
        .flatten()
    {
        assert!(
            property["description"].is_string(),
            "{name} has no description"
        );
        keys += 1;
    }
    assert!(keys > 50);
    let speed = schema["properties"]["speed"]["description"]
        .as_str()
        .unwrap();
    assert!(
        speed.contains("rates per clock second") && speed.contains("connections that stay open")
    );
    assert_eq!(schema["properties"]["speed"]["default"], 1.0);
    assert_eq!(
        schema["definitions"]["Arrivals"]["properties"]["per_day"]["default"],
        40
    );
}

/// `scenarios/*.toml` point their editors at this file.
#[test]
fn the_copy_beside_the_scenarios_is_up_to_date() {
    let copy: Value =
        serde_json::from_str(include_str!("../../../scenarios/scenario.schema.json")).unwrap();
    assert!(
        copy == schema(),
        "run: mailgauge scenario schema > scenarios/scenario.schema.json"
    );
}
