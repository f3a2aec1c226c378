# The image holds one static binary and the certificates of public authorities.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -tags custom_providers,aws -ldflags "-s -w -X main.version=${VERSION}" -o /lockstep ./cmd/lockstep

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /lockstep /lockstep
USER nonroot:nonroot
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["/lockstep"]
CMD ["serve", "--config", "/etc/lockstep/lockstep.yaml"]
