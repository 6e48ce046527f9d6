//! Pages of other origins: who is listed may call from a browser, who is not reads nothing.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use platform::Settings;
use platform::http::{Origins, origin};
use tower::ServiceExt as _;

use crate::support::TestTenant;

const PORTAL: &str = "https://portal.example.org";
const STRANGER: &str = "https://stranger.example.org";

async fn server() -> Router {
    let listed = origin(PORTAL).expect("an origin");
    let settings = Settings {
        origins: Origins::Listed(vec![listed]),
        ..Settings::default()
    };
    TestTenant::new().await.server_with_settings(settings).await
}

async fn ask(router: &Router, method: Method, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap) {
    let mut request = Request::builder().method(method).uri("/api/v1/patients");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    (answer.status(), answer.headers().clone())
}

fn told<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Every header that an operation of the document reads.
fn asked_for() -> Vec<String> {
    let document = chartwell::document();
    let mut names = vec!["authorization".to_owned(), "content-type".to_owned()];
    let operations = document["paths"].as_object().into_iter().flatten();
    for (_, path) in operations {
        for (_, operation) in path.as_object().into_iter().flatten() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "header" {
                    let name = parameter["name"].as_str().unwrap_or_default();
                    names.push(name.to_ascii_lowercase());
                }
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[tokio::test]
async fn a_listed_page_may_send_every_header_that_an_operation_reads() {
    let router = server().await;
    let wanted = asked_for();
    assert!(wanted.contains(&"if-match".to_owned()), "{wanted:?}");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let (status, headers) = ask(
            &router,
            Method::OPTIONS,
            &[
                ("origin", PORTAL),
                ("access-control-request-method", method),
                ("access-control-request-headers", &wanted.join(",")),
            ],
        )
        .await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(told(&headers, "access-control-allow-origin"), PORTAL);
        assert!(told(&headers, "access-control-allow-methods").contains(method));
        let allowed = told(&headers, "access-control-allow-headers");
        for name in &wanted {
            assert!(
                allowed.split(',').any(|one| one == name),
                "{name}: {allowed}"
            );
        }
        // No cookie is ever read, so none is asked for.
        assert_eq!(told(&headers, "access-control-allow-credentials"), "");
    }
}

#[tokio::test]
async fn a_listed_page_reads_refusals_too_and_others_read_nothing() {
    let router = server().await;
    let (status, headers) = ask(&router, Method::GET, &[("origin", PORTAL)]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(told(&headers, "access-control-allow-origin"), PORTAL);
    let exposed = told(&headers, "access-control-expose-headers");
    for name in ["etag", "location", "retry-after", "x-request-id"] {
        assert!(
            exposed.split(',').any(|one| one == name),
            "{name}: {exposed}"
        );
    }
    for headers in [
        vec![("origin", STRANGER)],
        vec![("origin", "null")],
        vec![("origin", "https://portal.example.org.evil.example")],
    ] {
        let (_, headers) = ask(&router, Method::GET, &headers).await;
        assert_eq!(told(&headers, "access-control-allow-origin"), "");
    }
    let preflight = [
        ("origin", STRANGER),
        ("access-control-request-method", "GET"),
    ];
    let (_, headers) = ask(&router, Method::OPTIONS, &preflight).await;
    assert_eq!(told(&headers, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn unless_pages_are_listed_nothing_is_said_of_origins() {
    let router = TestTenant::new().await.router.clone();
    let (_, headers) = ask(&router, Method::GET, &[("origin", PORTAL)]).await;
    assert!(
        !headers
            .keys()
            .any(|name| name.as_str().starts_with("access-control"))
    );
}
