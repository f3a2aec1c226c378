package gitlab

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	maxRetries = 3                      // how often a read is repeated
	firstWait  = 100 * time.Millisecond // before the first repeat; doubles
	longWait   = 10 * time.Second       // who is asked to wait longer returns the error instead
)

// retryRead decides what is asked again at once: reads that met an overloaded or
// absent GitLab. Writes never are.
func retryRead(ctx context.Context, answer *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		return lostRead(err), nil
	}
	if answer.Request.Method != http.MethodGet {
		return false, nil
	}
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return retryAfter(answer.Header) <= longWait, nil
	}
	return false, nil
}

// lostRead reports that err is a read that did not reach GitLab or lost its answer.
// A refused certificate or redirect is not one: it would be refused again.
func lostRead(err error) bool {
	var request *url.Error
	var network *net.OpError
	if !errors.As(err, &request) || request.Op != "Get" {
		return false
	}
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// backoff returns how long to wait before repeat number attempt (from 0): what
// GitLab asks for, else ever longer, and never in step with others.
func backoff(_, _ time.Duration, attempt int, answer *http.Response) time.Duration {
	if answer != nil {
		if wait := retryAfter(answer.Header); wait > 0 {
			return wait
		}
	}
	wait := firstWait << attempt
	return wait/2 + rand.N(wait/2)
}

// retryAfter returns how long the header Retry-After asks to wait; 0 without one.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
