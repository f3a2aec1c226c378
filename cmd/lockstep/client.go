package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"lockstep/bot"
	"lockstep/bot/data"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 20

// serverFlag is the flag of every command that asks a running server.
type serverFlag struct {
	configFlag
	Server string `help:"Address of the server; that of the configuration when left out." env:"LOCKSTEP_SERVER" placeholder:"URL"`
}

// asksServer ends the help of every command that asks a running server.
const asksServer = `

It asks the server of the configuration, or the one at --server, and shows it the
token in LOCKSTEP_TOKEN, the ID token of a CI job in LOCKSTEP_ID_TOKEN, or else the
token of the configuration.`

// A client speaks to the API of a server.
type client struct {
	url   string
	token bot.Secret
	http  *http.Client
}

// client returns a client of the server that the flags name. The token is that of
// LOCKSTEP_TOKEN, else of the CI job, else of the configuration.
func (f serverFlag) client(ctx context.Context) (*client, error) {
	c := &client{url: strings.TrimRight(f.Server, "/"), http: &http.Client{Timeout: 30 * time.Second}}
	if c.url != "" {
		if u, err := url.Parse(c.url); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, misused(fmt.Errorf("server %q is no address: write it as http://HOST:PORT or https://HOST", c.url))
		}
	}
	if token := cmp.Or(os.Getenv("LOCKSTEP_TOKEN"), os.Getenv("LOCKSTEP_ID_TOKEN")); token != "" {
		c.token = bot.NewSecret(token)
	}
	if c.url != "" && !c.token.Empty() {
		return c, nil
	}
	cfg, err := f.load()
	if err != nil {
		if c.url != "" {
			return c, nil // a server on loopback may need no token
		}
		return nil, err
	}
	if c.url == "" {
		c.url = cfg.Server.URL
	}
	if c.token.Empty() && cfg.Server.Token.Given() {
		if c.token, err = data.Resolve(ctx, cfg.Server.Token.Text); err != nil {
			return nil, misused(fmt.Errorf("server.token: %w", err))
		}
	}
	return c, nil
}

// get reads what stands under path into answer.
func (c *client) get(ctx context.Context, path string, answer any) error {
	return c.do(ctx, call{method: http.MethodGet, path: path}, answer)
}

// post sends body to path and reads the answer.
func (c *client) post(ctx context.Context, path string, body, answer any) error {
	return c.do(ctx, call{method: http.MethodPost, path: path, body: body}, answer)
}

// A call is one request of the API.
type call struct {
	method, path string
	key          string // by which the server knows a repeat; "" where it needs none
	body         any    // nil: none
}

// An away is the error of a server that does not answer now, or cannot: it may later.
type away struct{ error }

func (a away) Unwrap() error { return a.error }

// do makes one request. The server's own sentence is the error when it refuses.
func (c *client) do(ctx context.Context, call call, answer any) error {
	response, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return c.read(response, answer)
}

// send sends one request and returns what the server answers, whatever that is.
func (c *client) send(ctx context.Context, call call) (*http.Response, error) {
	var sent io.Reader
	if call.body != nil {
		data, err := json.Marshal(call.body)
		if err != nil {
			panic("lockstep: request: " + err.Error())
		}
		sent = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, call.method, c.url+"/api/v1/"+call.path, sent)
	if err != nil {
		return nil, fmt.Errorf("ask server %s: %w", c.url, err)
	}
	if call.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if call.key != "" {
		request.Header.Set("Idempotency-Key", call.key)
	}
	if !c.token.Empty() {
		request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	response, err := c.http.Do(request)
	if err != nil {
		if u := new(url.Error); errors.As(err, &u) {
			err = u.Err // without the address again
		}
		return nil, away{fmt.Errorf("ask server %s: %w (is \"lockstep serve\" running there?)", c.url, err)}
	}
	return response, nil
}

// read reads an answer, or the sentence of a refusal.
func (c *client) read(response *http.Response, answer any) error {
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return away{fmt.Errorf("read answer of %s: %w", c.url, err)}
	}
	if response.StatusCode/100 != 2 {
		return c.refusal(response, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("server %s does not answer as Lockstep does: %v", c.url, err)
	}
	return nil
}

// refusal returns the error of an answer that is none: the sentence that the server says.
func (c *client) refusal(response *http.Response, data []byte) error {
	var said struct{ Error, Sentence string } // a command is refused by an answer
	if json.Unmarshal(data, &said) != nil || said.Error == "" && said.Sentence == "" {
		said.Error = fmt.Sprintf("server %s answers %s", c.url, response.Status)
	}
	err := fmt.Errorf("%s", cmp.Or(said.Error, said.Sentence))
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("server %s does not take the token: set LOCKSTEP_TOKEN, or server.token of the configuration, to one that it takes (%w)", c.url, err)
	case response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= http.StatusInternalServerError:
		return away{err}
	}
	return err
}

// segment returns text as one segment of a path.
func segment(text string) string { return url.PathEscape(text) }
