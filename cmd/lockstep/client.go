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
token in LOCKSTEP_TOKEN, or else that of the configuration.`

// A client speaks to the API of a server.
type client struct {
	url   string
	token bot.Secret
	http  *http.Client
}

// client returns a client of the server that the flags name. The token is that of
// LOCKSTEP_TOKEN, else of the configuration.
func (f serverFlag) client(ctx context.Context) (*client, error) {
	c := &client{url: strings.TrimRight(f.Server, "/"), http: &http.Client{Timeout: 30 * time.Second}}
	if c.url != "" {
		if u, err := url.Parse(c.url); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, misused(fmt.Errorf("server %q is no address: write it as http://HOST:PORT or https://HOST", c.url))
		}
	}
	if token := os.Getenv("LOCKSTEP_TOKEN"); token != "" {
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
	return c.do(ctx, http.MethodGet, path, nil, answer)
}

// post sends body to path and reads the answer.
func (c *client) post(ctx context.Context, path string, body, answer any) error {
	return c.do(ctx, http.MethodPost, path, body, answer)
}

// do makes one request. The server's own sentence is the error when it refuses.
func (c *client) do(ctx context.Context, method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			panic("lockstep: request: " + err.Error())
		}
		sent = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.url+"/api/v1/"+path, sent)
	if err != nil {
		return fmt.Errorf("ask server %s: %w", c.url, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if !c.token.Empty() {
		request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	response, err := c.http.Do(request)
	if err != nil {
		if u := new(url.Error); errors.As(err, &u) {
			err = u.Err // without the address again
		}
		return fmt.Errorf("ask server %s: %w (is \"lockstep serve\" running there?)", c.url, err)
	}
	defer response.Body.Close()
	return c.read(response, answer)
}

// read reads an answer, or the sentence of a refusal.
func (c *client) read(response *http.Response, answer any) error {
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", c.url, err)
	}
	if response.StatusCode/100 != 2 {
		if response.StatusCode == http.StatusUnauthorized {
			return fmt.Errorf("server %s does not take the token: set LOCKSTEP_TOKEN, or server.token of the configuration, to the one it has", c.url)
		}
		var refused struct{ Error, Sentence string } // a request for a run is refused by an answer
		if json.Unmarshal(data, &refused) != nil || refused.Error == "" && refused.Sentence == "" {
			return fmt.Errorf("server %s answers %s", c.url, response.Status)
		}
		return fmt.Errorf("%s", cmp.Or(refused.Error, refused.Sentence))
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("server %s does not answer as Lockstep does: %v", c.url, err)
	}
	return nil
}

// segment returns text as one segment of a path.
func segment(text string) string { return url.PathEscape(text) }
