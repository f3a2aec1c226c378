package engine

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"

	"lockstep/bot"
)

// A packed is a run that is recorded small. A run that waits for people is recorded with
// each look, and most of it is a plan that stays the same: a day of waiting would fill
// hundreds of megabytes.
type packed struct{ *bot.Run }

// MarshalJSON returns the run as a text of compressed JSON.
func (p packed) MarshalJSON() ([]byte, error) {
	if p.Run == nil {
		return []byte("null"), nil
	}
	body, err := json.Marshal(p.Run)
	if err != nil {
		return nil, err
	}
	var small bytes.Buffer
	w := gzip.NewWriter(&small)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(small.Bytes())
}

// UnmarshalJSON reads a run, also one that an older program has recorded as it is.
func (p *packed) UnmarshalJSON(record []byte) error {
	if !bytes.HasPrefix(record, []byte(`"`)) {
		return json.Unmarshal(record, &p.Run)
	}
	var small []byte
	if err := json.Unmarshal(record, &small); err != nil {
		return err
	}
	r, err := gzip.NewReader(bytes.NewReader(small))
	if err != nil {
		return fmt.Errorf("recorded run: %w", err)
	}
	if err := json.NewDecoder(r).Decode(&p.Run); err != nil {
		return fmt.Errorf("recorded run: %w", err)
	}
	return nil
}
