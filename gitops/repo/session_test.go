package repo

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A pipes listens for connections within the process.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { close(p); return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// A deaf connection loses what is sent, once it is cut: nobody answers, nobody says no.
type deaf struct {
	net.Conn
	cut *atomic.Bool
}

func (d deaf) Write(b []byte) (int, error) {
	if d.cut.Load() {
		return len(b), nil
	}
	return d.Conn.Write(b)
}

// A connection of HTTP/2 that went silent, as behind a load balancer that was replaced,
// is given up: it is not used again until the kernel notices.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener, cut, dials := make(pipes), &atomic.Bool{}, 0
		only2 := new(http.Protocols)
		only2.SetUnencryptedHTTP2(true)
		srv := &http.Server{Protocols: only2, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		go func() { _ = srv.Serve(listener) }()
		defer srv.Close()
		transport := web.Transport.(*http.Transport).Clone()
		transport.Protocols = only2
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			listener <- theirs
			dials++
			if dials == 1 {
				ours = deaf{ours, cut}
			}
			return ours, nil
		}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		ask := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gitlab.invalid/", nil)
			if err != nil {
				return err
			}
			answer, err := client.Do(req)
			if err != nil {
				return err
			}
			return answer.Body.Close()
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		cut.Store(true)
		if err := ask(); err == nil {
			t.Error("a connection that is cut answered")
		}
		if err := ask(); err != nil || dials != 2 {
			t.Errorf("after it was cut: %v, %d connections, want a new one", err, dials)
		}
	})
}
