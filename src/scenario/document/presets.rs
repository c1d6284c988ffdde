//! Classes of users and kinds of mailboxes by name: what a preset says is laid below what the scenario says, before the
//! document is read.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::CHOICES;

/// Lays what the presets say below what was written: `mailbox.preset`, and each of the `classes`. `is_default` tells
/// values of the defaults, which give way to a preset.
pub(super) fn lay_below<'a>(
    root: &mut DeTable<'a>,
    presets: &DeTable<'a>,
    is_default: impl Fn(&Spanned<DeValue<'a>>) -> bool,
) {
    if let Some(mailbox) = table_mut(root, "mailbox")
        && let Some(preset) = named(presets, "mailboxes", word(mailbox, "preset"))
    {
        let below = mailbox.clone();
        *mailbox = std::mem::take(mailbox)
            .into_iter()
            .filter(|(_, value)| !is_default(value))
            .collect();
        complete(mailbox, preset);
        complete(mailbox, &below);
    }
    let everybody: DeTable<'a> = ["mailbox", "arrivals", "habits", "mail"]
        .iter()
        .filter_map(|name| root.get_key_value(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let Some(classes) = table_mut(root, "classes") else {
        return;
    };
    for (name, class) in std::mem::take(classes) {
        let (span, mut class) = (class.span(), class.into_inner());
        if let DeValue::Table(class) = &mut class {
            let like = word(class, "like").or_else(|| Some(name.get_ref().to_string()));
            if let Some(preset) = named(presets, "classes", like) {
                complete(class, preset);
            }
            if let Some(mailbox) = table_mut(class, "mailbox")
                && let Some(preset) = named(presets, "mailboxes", word(mailbox, "preset"))
            {
                complete(mailbox, preset);
            }
            complete(class, &everybody);
        }
        classes.insert(name, Spanned::new(span, class));
    }
}

fn table_mut<'t, 'a>(table: &'t mut DeTable<'a>, key: &str) -> Option<&'t mut DeTable<'a>> {
    match table.get_mut(key)?.get_mut() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}

fn word(table: &DeTable<'_>, key: &str) -> Option<String> {
    Some(table.get(key)?.get_ref().as_str()?.to_owned())
}

fn named<'t, 'a>(
    presets: &'t DeTable<'a>,
    kind: &str,
    name: Option<String>,
) -> Option<&'t DeTable<'a>> {
    let kinds = presets.get(kind)?.get_ref().as_table()?;
    kinds.get(name?.as_str())?.get_ref().as_table()
}

/// Adds what `upper` does not say.
fn complete<'a>(upper: &mut DeTable<'a>, lower: &DeTable<'a>) {
    for (key, below) in lower {
        let name: &str = key.get_ref();
        let is_choice = CHOICES.contains(&name);
        match (upper.get_mut(name).map(Spanned::get_mut), below.get_ref()) {
            (None, _) => {
                upper.insert(key.clone(), below.clone());
            }
            (Some(DeValue::Table(above)), DeValue::Table(below)) if !is_choice => {
                complete(above, below);
            }
            (Some(_), _) => {}
        }
    }
}
