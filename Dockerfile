# Build in one stage, run in another: the image holds the program, its certificates, and a user without rights.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /chartwell
COPY Cargo.toml Cargo.lock rust-toolchain.toml clippy.toml ./
COPY .sqlx .sqlx
COPY migrations migrations
COPY src src
COPY crates crates
COPY tests tests
COPY benches benches
ENV SQLX_OFFLINE=true
RUN cargo build --release --locked --bin chartwell

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin chartwell \
 && install --directory --owner chartwell /var/lib/chartwell
COPY --from=build /chartwell/target/release/chartwell /usr/local/bin/chartwell
USER chartwell
EXPOSE 8080
ENTRYPOINT ["chartwell"]
CMD ["serve"]
