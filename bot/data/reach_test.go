package data

import (
	"errors"
	"strings"
	"testing"

	"lockstep/fixtures"
	"lockstep/gitops"
)

func TestReach(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	if err := d.packages().Reach(t.Context(), d.live); err != nil {
		t.Errorf("empty bucket: %v", err)
	}
	gone := d.live
	gone.Name = "gone"
	if err := d.packages().Reach(t.Context(), gone); !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "correct the name of the bucket") {
		t.Errorf("no bucket: got %v", err)
	}
	d.aws.Deny(fixtures.DefaultAccount, "s3:ListBucket")
	if err := d.packages().Reach(t.Context(), d.preview); err == nil || !strings.Contains(err.Error(), "(grant that identity s3:ListBucket on the bucket") {
		t.Errorf("no right: got %v", err)
	}
}
