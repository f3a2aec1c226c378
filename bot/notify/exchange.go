package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 256 << 10

// chatClient is the client of channels that have none of their own. It follows no
// redirects: they would carry the message to somewhere that nobody configured.
var chatClient = &http.Client{
	Timeout:       15 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// exchange sends body as JSON (nil: without a body) and returns the status and the
// answer. Its errors never hold the address, which may be a secret.
func exchange(ctx context.Context, client *http.Client, method, address string, header http.Header, body any) (int, []byte, error) {
	if client == nil {
		client = chatClient
	}
	request, err := newRequest(ctx, method, address, header, body)
	if err != nil {
		return 0, nil, redact(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, redact(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, nil, redact(err)
	}
	return response.StatusCode, data, nil
}

// newRequest makes a request with a JSON body.
func newRequest(ctx context.Context, method, address string, header http.Header, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// redact returns err without the address that net/url and net/http put into it.
func redact(err error) error {
	if with, ok := errors.AsType[*url.Error](err); ok {
		return with.Err
	}
	return err
}
