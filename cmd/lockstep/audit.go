package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// auditCmd prints the audit log.
type auditCmd struct {
	serverFlag
	Since string `help:"From when on: a time here, a day, or how long ago; from the beginning when left out." placeholder:"2026-11-01|24h"`
	Until string `help:"Until when, which is left out itself; until now when left out." placeholder:"2026-12-01"`
}

// Help says more than one line.
func (auditCmd) Help() string {
	return `Prints every decision of Lockstep, every command and every request as a line of JSON
each, in the order of time: who, when, from where, what, and how things stood before
and after. Exit code 0 says that the log came whole.

    lockstep audit --since 2026-11-01 --until 2026-12-01 > november.jsonl` + asksServer
}

// Run asks the server.
func (c *auditCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	api.http.Timeout = 0 // a long log takes long
	query := url.Values{}
	for name, value := range map[string]string{"since": timeHere(c.Since), "until": timeHere(c.Until)} {
		if value != "" {
			query.Set(name, value)
		}
	}
	response, err := api.send(ctx, call{method: http.MethodGet, path: "audit?" + query.Encode()})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return api.read(response, nil)
	}
	if _, err := io.Copy(con.out, response.Body); err != nil {
		return fmt.Errorf("the audit log broke off, ask again: %w", err)
	}
	return nil
}
