//! The listener: HTTP/1.1, limits on how long a client may take for its headers and for taking what it asked for, and an end
//! that lets requests in flight finish.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Version, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use kernel::ids::RequestId;
use kernel::{Code, Error};
use platform::http::problem_document;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

use super::wire::{OwedBody, Turn, Wire};

/// How long the server waits for others.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest a client may take to send its headers, and to say anything at all.
    pub headers: Duration,
    /// The longest a client may leave an answer where it is. One that never reads would keep its connection for ever.
    pub reading: Duration,
    /// The longest requests in flight are waited for at the end.
    pub drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10),
            reading: Duration::from_mins(1),
            drain: Duration::from_secs(20),
        }
    }
}

/// Connections at once; beyond it new ones wait in the kernel's queue.
const CONNECTIONS: usize = 10_000;

/// Tells every part of the server when to stop.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A switch and its receiver.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (switch, receiver) = watch::channel(false);
        (switch, Self(receiver))
    }

    /// Stops on Ctrl-C or SIGTERM.
    pub fn on_signal() -> Self {
        let (switch, shutdown) = Self::new();
        tokio::spawn(async move {
            signal().await;
            let _ = switch.send(true);
        });
        shutdown
    }

    /// Returns when it is time.
    pub async fn wait(&mut self) {
        // An error means the switch is gone, and then there is nothing left to wait for.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Serves until shutdown, then lets requests in flight finish.
pub async fn listen(listener: TcpListener, router: Router, shutdown: Shutdown) {
    listen_with(listener, router, shutdown, Patience::default()).await;
}

/// As [`listen`], with another patience.
pub async fn listen_with(
    listener: TcpListener,
    router: Router,
    mut shutdown: Shutdown,
    patience: Patience,
) {
    let graceful = GracefulShutdown::new();
    // The proxy that ends TLS speaks HTTP/1.1 to us. Telling HTTP/2 from it would mean waiting for bytes without a limit.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.headers)
        .max_headers(64);
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            () = shutdown.wait() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(patience.reading));
        let turn = Turn::default();
        let service = service(router.clone(), peer, turn.clone());
        let wire = TokioIo::new(Wire::new(stream, turn));
        let connection = graceful.watch(builder.serve_connection(wire, service).into_owned());
        tokio::spawn(async move {
            // A client that breaks off is his own affair.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(patience.drain) => tracing::warn!("some requests did not finish in time"),
    }
}

fn service(
    router: Router,
    peer: SocketAddr,
    turn: Turn,
) -> impl hyper::service::Service<
    hyper::Request<Incoming>,
    Response = hyper::Response<OwedBody>,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone {
    hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let owed = turn.answer();
        let answer = names_its_host(&request).then(|| router.clone().oneshot(request));
        async move {
            let answer = match answer {
                Some(answer) => answer.await?,
                None => without_host(),
            };
            Ok(answer.map(|body| OwedBody::new(body, owed)))
        }
    })
}

/// HTTP/1.1 names its host, once (RFC 9112, 3.2).
fn names_its_host(request: &Request) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() < Version::HTTP_11,
        named => named == 1,
    }
}

fn without_host() -> Response {
    let error = Error::new(Code::MalformedRequest).detail("The head needs one Host header.");
    let id = RequestId::new();
    let (status, document) = problem_document(&error, id);
    tracing::info!(request = %id, status = status.as_u16(), code = error.code().as_str(), "request refused");
    let head = [
        (header::CONNECTION, "close"),
        (header::CONTENT_TYPE, "application/problem+json"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = (status, head, document).into_response();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
