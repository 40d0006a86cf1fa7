//! `sickbay models`: which there are, and what they cost.

use std::process::ExitCode;

use sickbay_core::text::clean_line;
use sickbay_runtime::{Failure, ListedModel, ModelQuery};

use super::sickbay;
use crate::{
    args::ModelsCommand,
    environment::Environment,
    output::{Output, table},
};

pub(super) async fn models(
    command: ModelsCommand,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let ModelsCommand::List(args) = command;
    let query = ModelQuery { provider: args.provider, refresh: args.refresh };
    let listed = sickbay(environment)?.models(&query).await?;
    output.show(&listed, || {
        let rows = listed.models.iter().map(|model| {
            let is_default = if model.is_default { "*" } else { "" };
            vec![
                format!("{}/{}{is_default}", model.provider, clean_line(&model.name, 120)),
                tokens(model.context_window),
                tokens(model.output_limit),
                price(model, |price| Some(price.input)),
                price(model, |price| Some(price.output)),
                price(model, |price| price.cache_read),
                price(model, |price| price.cache_write),
            ]
        });
        let head = &["MODEL", "CONTEXT", "OUTPUT", "$ IN", "$ OUT", "$ CACHE READ", "$ CACHE WRITE"];
        let mut text = table(head, rows);
        if !listed.models.is_empty() {
            text.push_str("\nPrices are USD per million tokens; `?` is not known; `*` is used where a profile names the provider alone.\n");
        }
        text
    })?;
    for note in &listed.notes {
        output.note(&format!("{}: {}", output.error_paint.yellow("note"), clean_line(note, 500)));
    }
    Ok(ExitCode::SUCCESS)
}

fn tokens(count: Option<u32>) -> String {
    match count {
        None => "?".to_owned(),
        Some(count) if count >= 1_000_000 && count % 100_000 == 0 => {
            format!("{}M", f64::from(count / 100_000) / 10.0)
        }
        Some(count) if count >= 1_000 => format!("{}k", count / 1_000),
        Some(count) => count.to_string(),
    }
}

/// One of the prices; `-` where such tokens cost what others do, and a `+` where longer requests cost more.
fn price(model: &ListedModel, of: impl Fn(&sickbay_core::catalogue::Price) -> Option<f64>) -> String {
    let Some(known) = &model.price else { return "?".to_owned() };
    let Some(amount) = of(known) else { return "-".to_owned() };
    let more = if known.tiers.is_empty() { "" } else { "+" };
    format!("{amount}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_tokens_are_short() {
        for (count, expect) in [
            (None, "?"),
            (Some(999), "999"),
            (Some(8_192), "8k"),
            (Some(200_000), "200k"),
            (Some(1_000_000), "1M"),
            (Some(1_048_576), "1048k"),
            (Some(2_500_000), "2.5M"),
        ] {
            assert_eq!(tokens(count), expect);
        }
    }
}
