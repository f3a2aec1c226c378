package web

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// GitLab's keys are read again after keysLast, and when a token names an unknown one, but
// never sooner than keysPause after the last time. Answers are read up to maxKeys bytes.
const (
	keysLast  = time.Hour
	keysPause = 10 * time.Second
	maxKeys   = 1 << 20
)

// A keyring holds the keys with which GitLab signs, by their ids. The zero value is ready
// and empty.
type keyring struct {
	mu    sync.Mutex // held while GitLab is asked: the others want the same answer
	keys  map[string]*rsa.PublicKey
	read  time.Time // when GitLab answered last
	asked time.Time // when it had answered or was given up last
	err   error     // why that failed
}

// key returns the key of an id; nil when GitLab has no such. An error means that it could
// not be asked.
func (k *keyring) key(ctx context.Context, j *Jobs, id string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := j.Now()
	fresh := now.Sub(k.read) < keysLast
	if key := k.keys[id]; key != nil && fresh {
		return key, nil
	}
	if now.Sub(k.asked) >= keysPause {
		// One caller that goes away must not leave the others without an answer.
		var keys map[string]*rsa.PublicKey
		if keys, k.err = j.readKeys(context.WithoutCancel(ctx)); k.err == nil {
			k.keys, k.read, fresh = keys, now, true
		}
		k.asked = j.Now() // it may have hung
	}
	if !fresh {
		return nil, k.err
	}
	return k.keys[id], k.err
}

// readKeys asks GitLab for its keys, at the address that its discovery document names.
func (j *Jobs) readKeys(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := j.fetch(ctx, j.Issuer+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, err
	}
	if discovery.Issuer != j.Issuer {
		return nil, fmt.Errorf("GitLab calls itself %.200q, and gitlab.url is %s: write the same there", discovery.Issuer, j.Issuer)
	}
	if !trustworthy(discovery.Keys, j.Issuer) {
		return nil, errors.New("GitLab names no address with https for its keys")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := j.fetch(ctx, discovery.Keys, &set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) != nil {
			continue // a kind that we do not know; others may be fine
		}
		if key := rsaKey(k); key != nil {
			keys[k.KeyID] = key
		}
	}
	return keys, nil
}

// trustworthy reports that keys may be read at address: it is encrypted, or as near as
// the issuer itself.
func trustworthy(address, issuer string) bool {
	u, err := url.Parse(address)
	i, bad := url.Parse(issuer)
	return err == nil && bad == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == i.Scheme && u.Host == i.Host)
}

// fetch reads the JSON that stands at address.
func (j *Jobs) fetch(ctx context.Context, address string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", address, err)
	}
	response, err := j.Client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GitLab answers %s at %s", response.Status, address)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxKeys)).Decode(answer); err != nil {
		return fmt.Errorf("GitLab does not answer with JSON at %s", address)
	}
	return nil
}
