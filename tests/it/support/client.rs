//! A caller, and what he gets.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// Somebody with a token, or without.
#[derive(Clone)]
pub struct Caller {
    pub(super) router: Router,
    pub token: Option<String>,
    pub user_id: String,
    pub email: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub bytes: Bytes,
    /// Whether the body came to its end.
    pub whole: bool,
}

/// A form as the wire has it: its type, and its body.
pub fn form(document: Option<&Value>, file: (&str, &str, &[u8])) -> (String, Vec<u8>) {
    let boundary = "a-line-that-does-not-occur";
    let mut body = Vec::new();
    if let Some(document) = document {
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"document\"\r\nContent-Type: application/json\r\n\r\n{document}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let (name, kind, content) = file;
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

impl Caller {
    /// Nobody in particular, at a server.
    pub fn of(router: Router) -> Self {
        Self {
            router,
            token: None,
            user_id: String::new(),
            email: String::new(),
        }
    }

    pub async fn get(&self, path: impl AsRef<str>) -> Reply {
        self.send(Method::GET, path.as_ref(), &[], None).await
    }

    pub async fn post(&self, path: impl AsRef<str>, body: Value) -> Reply {
        self.send(Method::POST, path.as_ref(), &[], Some(body.to_string()))
            .await
    }

    /// A POST without a body.
    pub async fn act(&self, path: impl AsRef<str>) -> Reply {
        self.send(Method::POST, path.as_ref(), &[], None).await
    }

    pub async fn delete(&self, path: impl AsRef<str>) -> Reply {
        self.send(Method::DELETE, path.as_ref(), &[], None).await
    }

    /// A merge patch made from the version named.
    pub async fn patch(&self, path: impl AsRef<str>, version: i64, body: Value) -> Reply {
        let if_match = format!("\"{version}\"");
        self.send(
            Method::PATCH,
            path.as_ref(),
            &[
                ("if-match", &if_match),
                ("content-type", "application/merge-patch+json"),
            ],
            Some(body.to_string()),
        )
        .await
    }

    /// A form with a file: name, type, content.
    pub async fn file(
        &self,
        path: impl AsRef<str>,
        document: Option<&Value>,
        file: (&str, &str, &[u8]),
    ) -> Reply {
        let (kind, body) = form(document, file);
        self.send_bytes(
            Method::POST,
            path.as_ref(),
            &[("content-type", &kind)],
            Body::from(body),
        )
        .await
    }

    /// Anything. A body without a content type is sent as JSON.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Reply {
        let json = ("content-type", "application/json");
        let mut headers = headers.to_vec();
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            headers.push(json);
        }
        let body = body.map_or_else(Body::empty, Body::from);
        self.send_bytes(method, path, &headers, body).await
    }

    /// Anything, streamed or not a text.
    pub async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router answers");
        let (parts, mut body) = response.into_parts();
        // A stream of events has no end: its beginning is read.
        let streams = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream");
        let (bytes, whole) = if streams {
            let first = body.frame().await.and_then(Result::ok);
            (
                first
                    .and_then(|frame| frame.into_data().ok())
                    .unwrap_or_default(),
                false,
            )
        } else {
            match body.collect().await {
                Ok(body) => (body.to_bytes(), true),
                Err(_) => (Bytes::new(), false),
            }
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text,
            bytes,
            whole,
        }
    }

    /// Opens a stream of events; the answer, unread.
    pub async fn listen(&self, path: &str, headers: &[(&str, &str)]) -> axum::response::Response {
        let token = self.token.as_deref().unwrap_or_default();
        let mut request = Request::builder()
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("the router answers")
    }

    /// Asks without a body; the answer, unread.
    pub async fn open(&self, method: Method, path: &str) -> axum::response::Response {
        let token = self.token.as_deref().unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .expect("a request");
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("the router answers")
    }

    /// The same person at another server.
    pub fn on(&self, router: Router) -> Self {
        Self {
            router,
            ..self.clone()
        }
    }

    pub fn with_token(&self, token: Option<String>) -> Self {
        Self {
            token,
            ..self.clone()
        }
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.text))
    }

    /// The body, if the status is the one expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The problem, if status and code are the ones expected.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        let document = chartwell::document();
        let known = &document["components"]["schemas"]["ProblemDocument"]["properties"];
        for name in problem.as_object().expect("a problem").keys() {
            assert!(known[name].is_object(), "the document has no {name}");
        }
        problem
    }

    /// The field errors of a problem, as pointers.
    pub fn pointers(&self) -> Vec<String> {
        self.json()["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| error["pointer"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}
