package gates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"lockstep/gitops"
)

func TestData(t *testing.T) {
	t.Parallel()
	var manifest any
	if err := json.Unmarshal([]byte(`{"rows": 1200, "schema": "v3"}`), &manifest); err != nil {
		t.Fatal(err)
	}
	have := Contents{Objects: 4, Bytes: 1000, Manifest: manifest}
	for condition, test := range map[string]struct {
		err  error
		want Result
		says string
	}{
		`objects > 3 && bytes < 5000`:                     {nil, Passed, "4 objects"},
		`manifest.rows > 1000 && manifest.schema == "v3"`: {nil, Passed, ""},
		`manifest.schema != version`:                      {nil, Passed, ""},
		`objects > 10`:                                    {nil, Failed, "not objects > 10"},
		`manifest.lines > 3`:                              {nil, Failed, "cannot be evaluated"},
		`objects > 0`:                                     {gitops.ErrNotFound, Failed, "no data"},
		`objects >= 0`:                                    {errors.New("S3 does not answer"), "", "S3 does not answer"},
	} {
		g := Data{From: inventory(func() (Contents, error) { return have, test.err }), Pass: condition}
		v, err := g.Ask(t.Context(), subject(0), "")
		if said := v.Reason + fmt.Sprint(err); v.Result != test.want || !strings.Contains(said, test.says) {
			t.Errorf("%s: got %+v, %v", condition, v, err)
		}
	}
}

type inventory func() (Contents, error)

func (i inventory) Contents(context.Context, Subject) (Contents, error) { return i() }
