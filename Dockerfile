# The service in one static binary; as it is, the embedded one.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /identity ./cmd/identity && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /identity /identity
COPY --from=build --chown=nonroot:nonroot /data /data
VOLUME /data
EXPOSE 8080
ENV IDENTITY_DATA=/data IDENTITY_LISTEN=0.0.0.0:8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/identity"]
CMD ["serve"]
