use serde_json::json;

use super::*;

fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_kind_comes_from_words_and_status() {
    use ErrorKind as K;
    let shapes = [
        (
            401,
            r#"{"error":{"type":"invalid_request_error","code":"invalid_api_key","message":"m"}}"#,
            K::Unauthorized,
            "invalid_api_key",
        ),
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"m"}}"#,
            K::Unauthorized,
            "authentication_error",
        ),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"m"}}"#,
            K::Denied,
            "permission_error",
        ),
        (
            404,
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}"#,
            K::NotFound,
            "model_not_found",
        ),
        (404, r#"{"error":"model 'x' not found"}"#, K::NotFound, "http-404"),
        (408, "", K::Timeout, "http-408"),
        (504, r#"{"error":{"type":"timeout_error"}}"#, K::Timeout, "timeout_error"),
        (
            429,
            r#"{"error":{"type":"tokens","code":"rate_limit_exceeded","message":"m"}}"#,
            K::RateLimited,
            "rate_limit_exceeded",
        ),
        (
            429,
            r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"m"}}"#,
            K::Limit,
            "insufficient_quota",
        ),
        (
            402,
            r#"{"type":"error","error":{"type":"billing_error","message":"m"}}"#,
            K::Limit,
            "billing_error",
        ),
        (
            400,
            r#"{"error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"m"}}"#,
            K::ContextLength,
            "context_length_exceeded",
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            K::ContextLength,
            "invalid_request_error",
        ),
        (
            400,
            r#"{"error":{"code":400,"type":"exceed_context_size_error","message":"m"}}"#,
            K::ContextLength,
            "exceed_context_size_error",
        ),
        (413, "", K::ContextLength, "http-413"),
        // Gateways give the vendor's word away and leave it in the message.
        (
            400,
            r#"{"error":{"message":"litellm.ContextWindowExceededError: litellm.BadRequestError: m","type":"invalid_request_error","param":null,"code":"400"}}"#,
            K::ContextLength,
            "invalid_request_error",
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 196000 + 8192 > 200000"}}"#,
            K::ContextLength,
            "invalid_request_error",
        ),
        (
            400,
            r#"{"error":{"message":"Input tokens exceed the configured limit of 272000 tokens.","type":"invalid_request_error","code":null}}"#,
            K::ContextLength,
            "invalid_request_error",
        ),
        (
            400,
            r#"{"error":{"message":"/responses: Invalid model name passed in model=m. Call `/v1/models` to view available models for your key.","type":"invalid_request_error","param":null,"code":"400"}}"#,
            K::NotFound,
            "invalid_request_error",
        ),
        // A gateway without a database knows its own key, and asks the database for any other.
        (
            400,
            r#"{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}"#,
            K::Unauthorized,
            "no_db_connection",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"m","type":"invalid_request_error"}}"#,
            K::InvalidInput,
            "invalid_request_error",
        ),
        (422, r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, K::InvalidInput, "http-422"),
        (
            409,
            r#"{"type":"error","error":{"type":"conflict_error","message":"m"}}"#,
            K::Unavailable,
            "conflict_error",
        ),
        (
            500,
            r#"{"error":{"code":500,"message":"m","type":"server_error"}}"#,
            K::Unavailable,
            "server_error",
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
            K::Unavailable,
            "overloaded_error",
        ),
        (503, "<html><head><title>503 Service\nUnavailable</title>", K::Unavailable, "http-503"),
        (
            429,
            r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m"}}]"#,
            K::RateLimited,
            "RESOURCE_EXHAUSTED",
        ),
        (
            400,
            r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"m","details":[{"@type":"x","reason":"API_KEY_INVALID"}]}}"#,
            K::Unauthorized,
            "API_KEY_INVALID",
        ),
        (
            400,
            r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"m"}}"#,
            K::InvalidInput,
            "INVALID_ARGUMENT",
        ),
        (429, r#"{"error":{"code":"429","type":null,"message":"m"}}"#, K::RateLimited, "http-429"),
        (302, "", K::Internal, "http-302"),
        (404, r#"{"error":{"code":"DeploymentNotFound","message":"m"}}"#, K::NotFound, "DeploymentNotFound"),
        (500, "null", K::Unavailable, "http-500"),
        (500, "[]", K::Unavailable, "http-500"),
        (500, r#"{"error":[1]}"#, K::Unavailable, "http-500"),
    ];
    for (status, body, kind, code) in shapes {
        let error = of_response("p", status, &[], body.as_bytes());
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{status} {body}");
        assert!(error.message.starts_with(&format!("`p` answered {status}")), "{}", error.message);
    }
}

#[test]
fn an_error_in_a_stream_is_read_under_any_status() {
    use ErrorKind as K;
    for (status, body, kind, message) in [
        (
            500,
            "data: {\"error\": {\"message\": \"m\", \"type\": \"internal_server_error\", \"code\": \"500\"}}\n\ndata: [DONE]\n\n",
            K::Unavailable,
            "`p` answered 500 `internal_server_error`: m",
        ),
        (
            429,
            ": wait\r\nevent: error\r\ndata:{\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}\r\n\r\n",
            K::Limit,
            "`p` answered 429 `insufficient_quota`: m",
        ),
        (503, "data: soon\n\ndata: 7\n\n", K::Unavailable, "`p` answered 503: data: soon data: 7"),
    ] {
        let error = of_response("p", status, &[], body.as_bytes());
        assert_eq!((error.kind, error.message.as_str()), (kind, message), "{body}");
    }
}

#[test]
fn an_error_inside_a_stream_has_a_kind_without_a_status() {
    use ErrorKind as K;
    for (value, kind, code) in [
        (
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}),
            K::Unavailable,
            "overloaded_error",
        ),
        (
            json!({"error": {"message": "m", "type": "server_error", "code": null}}),
            K::Unavailable,
            "server_error",
        ),
        (json!({"error": {"message": "m", "code": 429}}), K::RateLimited, "http-429"),
        (json!({"error": {"message": "m", "code": "400"}}), K::InvalidInput, "http-400"),
        (json!({"error": "it broke"}), K::Unavailable, "provider-error"),
        (
            json!({"type": "error", "code": "rate_limit_exceeded", "message": "m"}),
            K::RateLimited,
            "rate_limit_exceeded",
        ),
        (json!({"code": "invalid_prompt", "message": "m"}), K::InvalidInput, "invalid_prompt"),
        (json!({"error": {}}), K::Unavailable, "provider-error"),
        (json!(7), K::Unavailable, "provider-error"),
    ] {
        let error = of_stream("p", &value);
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{value}");
    }
}

#[test]
fn how_long_to_wait_comes_in_four_dresses() {
    let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (list, expect) in [
        (&[("retry-after", "7")][..], Some(7_000)),
        (&[("retry-after", "1.5")], Some(1_500)),
        (&[("retry-after-ms", "250.4"), ("retry-after", "7")], Some(251)),
        (&[("retry-after-ms", "soon"), ("retry-after", "7")], Some(7_000)),
        (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), now], Some(30_000)),
        (&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT"), now], Some(0)),
        (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None),
        (&[("retry-after", "-3")], Some(0)),
        (&[("retry-after", "inf")], None),
        (&[("retry-after", "NaN")], None),
        (&[("retry-after", "1e300")], Some(9_000_000_000_000_000)),
        (&[], None),
    ] {
        let error = of_response("p", 429, &headers(list), b"");
        assert_eq!(error.retry_after_ms, expect, "{list:?}");
    }
    let google = br#"{"error":{"code":429,"details":[{"@type":"x"},{"retryDelay":"30.5s"}]}}"#;
    assert_eq!(of_response("p", 429, &[], google).retry_after_ms, Some(30_500));
}

#[test]
fn the_servers_word_on_retries_wins_where_a_retry_can_help() {
    use ErrorKind as K;
    for (status, body, told, kind) in [
        (400, "", "true", K::Unavailable),
        (429, "", "false", K::Limit),
        (503, "", "false", K::Internal),
        (504, "", "false", K::Internal),
        (401, "", "true", K::Unauthorized),
        (429, r#"{"error":{"code":"insufficient_quota"}}"#, "true", K::Limit),
        (503, "", "maybe", K::Unavailable),
    ] {
        let error = of_response("p", status, &headers(&[("x-should-retry", told)]), body.as_bytes());
        assert_eq!(error.kind, kind, "{status} {told}");
    }
}

#[test]
fn messages_are_bounded_and_steer_nothing() {
    let long = format!(r#"{{"error":{{"message":"\u001b[2J{}"}}}}"#, "x\\n".repeat(10_000));
    let error = of_response("p", 500, &[], long.as_bytes());
    assert!(error.message.chars().count() < 560, "{}", error.message.len());
    assert!(!error.message.chars().any(char::is_control));
    let page = of_response(
        "p",
        502,
        &headers(&[("content-type", "text/html")]),
        b"<h1>\x1b</h1><TITLE>Bad \xff gateway</TITLE>",
    );
    assert_eq!(page.message, "`p` answered 502: a page of HTML, \"Bad \u{fffd} gateway\"");
    let code = of_response("p", 500, &[], br#"{"error":{"code":"two words\u001b"}}"#);
    assert_eq!(code.code, "http-500");
}
