package repo

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestBand(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longest-5)
	for name, test := range map[string]struct{ sent, data, says string }{
		"data":               {"0006\x01a0006\x01b0000", "ab", ""},
		"kept alive":         {"0005\x020006\x01a0005\x010004" + "0005\x020006\x01b0000", "ab", ""},
		"remarks":            {"000b\x02remark0006\x01a0000", "a", ""},
		"the longest":        {"FFF0\x01" + long + "0000", long, ""},
		"longer":             {"fff1\x01" + long, "", "a line of 65521 bytes"},
		"an error":           {"0006\x01a000e\x03aborting\n", "a", "aborting"},
		"an error, bare":     {"0006\x01a0014ERR GitLab: busy", "a", "GitLab: busy"},
		"a remark after it":  {"0006\x01a0000000b\x02remark0000", "a", ""},
		"another kind":       {"0006\x01a0006\x04b", "a", "data of the kind 4"},
		"no end":             {"0006\x01a", "a", "cut off"},
		"within a line":      {"0006\x01a0009\x01bc", "a", "cut off"},
		"no length":          {"0006\x01a+00f\x01b", "a", "not the length of a line"},
		"no length, spelled": {"0006\x01a0x06\x01b", "a", "not the length of a line"},
	} {
		got, err := io.ReadAll(&band{lines: newLines(strings.NewReader(test.sent))})
		if string(got) != test.data || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %.80q, %v, want %.80q and %q", name, got, err, test.data, test.says)
		}
	}
}

// What a server says in place of what it was asked for reaches people, wherever it
// stands.
func TestBandSaid(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{"0011\x03the reason\n\n", "0013ERR the reason\n"} {
		_, err := readReport(newLines(&band{lines: newLines(strings.NewReader(sent))}))
		var server said
		if !errors.As(err, &server) || sentence(string(server)) != "the reason" {
			t.Errorf("%q: %v, want what the server says", sent, err)
		}
	}
}

// A list of refs with capabilities, as the first version has them, is no reason to fall.
func TestCapabilitiesAmongRefs(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("1", 40)
	s := serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				_, _ = w.Write(pktMark(pkt(nil, "%s refs/heads/main\x00side-band-64k object-format=sha1\n", id), flush))
				return
			}
			backend.ServeHTTP(w, req)
		})
	})
	if got, err := s.repo.Head(t.Context(), "main"); err != nil || got != id {
		t.Errorf("Head = %q, %v", got, err)
	}
}

func TestRemarksAreBounded(t *testing.T) {
	t.Parallel()
	line := string(pkt(nil, "\x02%s", strings.Repeat("x", 1000)))
	b := &band{lines: newLines(strings.NewReader(strings.Repeat(line, 100) + "0000"))}
	if _, err := io.ReadAll(b); err != nil || len(b.remarks) != mostRemarks {
		t.Errorf("%d bytes of remarks were kept, %v, want %d", len(b.remarks), err, mostRemarks)
	}
}
