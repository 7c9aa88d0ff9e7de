# The controller's image, for every platform that Go and the base image have:
#
#	docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/hindcast-controller:TAG --push .
#
# ko does the same without Docker (.ko.yaml). Go must be at least what go.mod says.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags='-s -w' -o /hindcast-controller ./cmd/hindcast-controller

# No shell, no package manager; user 65532.
FROM gcr.io/distroless/static-debian13:nonroot
COPY --from=build /hindcast-controller /hindcast-controller
USER 65532:65532
ENTRYPOINT ["/hindcast-controller"]
