# The image holds one static binary and the certificates of public authorities,
# nothing else: no shell, no package manager, no root.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -tags custom_providers,aws -gcflags 'github.com/aws/...=-l' -ldflags "-s -w -X main.version=${VERSION}" -o /out/lockstep ./cmd/lockstep \
 && install -d -o 65532 -g 65532 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/lockstep /lockstep
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["/lockstep"]
CMD ["serve", "--config", "/etc/lockstep/lockstep.yaml"]
