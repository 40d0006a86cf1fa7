//! Collections: in pages, by selectors, as objects or as tables.

use serde_json::{Value, json};

use super::{
    Call, Server,
    answer::{Answer, Problem, json_answer},
    convert,
    identity::base64,
    path::ResourcePath,
    selector::Selector,
    table::{self, View},
};
use crate::{
    Refusal,
    store::{Page, PageRequest},
    value,
};

/// Where a page goes on: the version of the list and the last object of it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Token {
    v: String,
    rv: u64,
    start: String,
}

const TOKEN_VERSION: &str = "meta.k8s.io/v1";

impl Server {
    pub(crate) fn list(&self, at: &ResourcePath, call: &Call) -> Result<Answer, Problem> {
        let view = View::of(&call.accept)?.including(call.query.text("includeObject"));
        let page = self.selected(at, call)?;
        let mut metadata = json!({ "resourceVersion": page.version.to_string() });
        if let Some((namespace, name)) = &page.next {
            metadata["continue"] = token(page.version, namespace, name).into();
            if call.query.text("labelSelector").is_empty() && call.query.text("fieldSelector").is_empty() {
                metadata["remainingItemCount"] = page.remaining.into();
            }
        }
        let objects = page.items.iter().map(|object| convert::outward(at.kind, object));
        let value = match view {
            View::Object => {
                let items: Vec<Value> = objects.map(without_type).collect();
                json!({
                    "kind": format!("{}List", at.kind.name),
                    "apiVersion": at.kind.api_version(),
                    "metadata": metadata,
                    "items": items,
                })
            }
            View::Table(include) => {
                let now = self.store.clock().now_ms();
                table::table(at.kind, objects.collect(), metadata, include, now)
            }
            View::Metadata => json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": objects.map(|object| table::metadata_of(&object)).collect::<Vec<_>>(),
            }),
        };
        Ok(json_answer(200, &value))
    }

    /// The page that a query asks for.
    pub(crate) fn selected(&self, at: &ResourcePath, call: &Call) -> Result<Page, Problem> {
        let query = &call.query;
        let selector = Selector::parse(at.kind, query.text("labelSelector"), query.text("fieldSelector"))?;
        let limit = query.number("limit").unwrap_or(0);
        let limit = usize::try_from(limit).map_err(|_| Refusal::bad_request("invalid limit"))?;
        let (version, after) = match query.text("continue") {
            "" => (self.asked_version(call)?, None),
            text => {
                let token = read_token(text)?;
                let start = token.start.trim_end_matches('\0');
                let (namespace, name) = start.split_once('/').unwrap_or(("", start));
                (Some(token.rv), Some((namespace.to_owned(), name.to_owned())))
            }
        };
        let wanted = |object: &Value| {
            at.name.as_deref().is_none_or(|name| name == value::name(object)) && selector.matches(object)
        };
        let request =
            PageRequest { namespace: at.namespace.as_deref(), version, after, limit, wanted: &wanted };
        let page = self.store.page(at.kind, &request).map_err(|refusal| match query.text("continue") {
            "" => refusal,
            _ => Refusal::new(
                410,
                "Expired",
                "The provided continue parameter is too old to display a consistent list result. You can \
                 start a new list without the continue parameter."
                    .to_owned(),
            ),
        })?;
        Ok(page)
    }

    /// None: as it is now, which is never older than what a client saw.
    fn asked_version(&self, call: &Call) -> Result<Option<u64>, Problem> {
        let text = call.query.text("resourceVersion");
        if text.is_empty() || text == "0" {
            return Ok(None);
        }
        let version: u64 = text
            .parse()
            .map_err(|_| Refusal::bad_request(format!("invalid resource version {text:?}: not a number")))?;
        if version > self.store.version() {
            let message =
                format!("Timeout: Too large resource version: {version}, current: {}", self.store.version());
            let mut problem = Problem::from(Refusal::new(504, "Timeout", message));
            problem.details = json!({
                "retryAfterSeconds": 1,
                "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            });
            return Err(problem);
        }
        let exact = call.query.text("resourceVersionMatch") == "Exact";
        Ok(exact.then_some(version))
    }
}

/// The items of a list say their type once, in the list.
fn without_type(mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.remove("kind");
        map.remove("apiVersion");
    }
    object
}

fn token(version: u64, namespace: &str, name: &str) -> String {
    let start = if namespace.is_empty() { format!("{name}\0") } else { format!("{namespace}/{name}\0") };
    let token = Token { v: TOKEN_VERSION.to_owned(), rv: version, start };
    let text = serde_json::to_string(&token).unwrap_or_default();
    base64(text.as_bytes()).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
}

fn read_token(text: &str) -> Result<Token, Refusal> {
    let bad =
        |why: &str| Refusal::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = from_base64(text).ok_or_else(|| bad("illegal base64 data"))?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|error| bad(&error.to_string()))?;
    if token.v != TOKEN_VERSION {
        return Err(bad("server does not recognize this encoded version"));
    }
    Ok(token)
}

/// Base64 for URLs, without padding.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0_u32, 0_u32, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 255) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_and_garbage_is_refused() {
        let found = read_token(&token(42, "shop", "web-1")).unwrap();
        assert_eq!((found.rv, found.start.as_str()), (42, "shop/web-1\0"));
        for text in ["garbage", "%%%", "e30", ""] {
            assert_eq!(read_token(text).err().unwrap().status, 400, "{text}");
        }
    }
}
