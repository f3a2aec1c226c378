package data

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/fixtures"
)

// secret is what no error and no print may show.
const secret = "glpat-hunter2"

func TestResolve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(write("unix", "a\nb\n"), link); err != nil {
		t.Fatal(err)
	}
	account.PutSecure(fixtures.DefaultAccount, "/resolve/token", secret)
	account.PutSecure("222222222222", "/resolve/token", "of the other account")
	account.PutSecure(fixtures.DefaultAccount, "/resolve/versions", "first")
	account.PutSecure(fixtures.DefaultAccount, "/resolve/versions", "second")
	tests := []struct{ ref, want string }{
		{"env:LOCKSTEP_TEST_TOKEN", "token-of-the-environment"},
		{"file:" + write("plain", secret), secret},
		{"file:" + link, "a\nb"},
		{"file:" + write("windows", "x\r\n"), "x"},
		{"file:" + write("two", "x\n\n"), "x\n"},
		{"ref+awsssm://resolve/token", secret},
		{"ref+awsssm:///resolve/token?region=eu-central-1", secret},
		{"ref+awsssm://resolve/token?profile=known", secret},
		{"ref+awsssm://resolve/token?role_arn=" + deployer, "of the other account"},
		{"ref+awsssm://resolve/versions?version=1", "first"},
		{"ref+awsssm://resolve#/token", secret},
	}
	for _, test := range tests {
		t.Run(test.ref, func(t *testing.T) {
			t.Parallel()
			got, err := Resolve(t.Context(), test.ref)
			if err != nil || got.Reveal() != test.want {
				t.Errorf("got %q, %v, want %q", got.Reveal(), err, test.want)
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{"empty": "\n", "large": strings.Repeat("x", maxSecret+1)}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	account.PutSecure(fixtures.DefaultAccount, "/refuse/nested", "ref+exec://id")
	account.PutSecure(fixtures.DefaultAccount, "/refuse/text", secret)
	account.PutSecure(fixtures.DefaultAccount, "/denied/text", secret)
	tests := []struct{ ref, want string }{
		{"", "this is no reference"},
		{secret, "write a reference such as env:GITLAB_TOKEN"},
		{"https://" + secret, "this is no reference"},
		{"secretref+awsssm://refuse/text", "this is no reference"},
		{"env:", "the name of a variable consists of"},
		{"env:" + secret, "the name of a variable consists of"},
		{"env:LOCKSTEP_TEST_ABSENT", "reference env:LOCKSTEP_TEST_ABSENT: the variable is not set or empty"},
		{"env:LOCKSTEP_TEST_EMPTY", "the variable is not set or empty"},
		{"file:", "the path is relative"},
		{"file:" + secret, "the path is relative"},
		{"file:" + dir + "/none", "no such file or directory"},
		{"file:" + dir, "is no regular file"},
		{"file:/dev/null", "is no regular file"},
		{"file:" + dir + "/empty", "is empty"},
		{"file:" + dir + "/large", "has 65537 bytes"},
		{"ref+exec://id", "reference ref+exec:// is refused: use one of ref+awsssm://, ref+awssecrets://, ref+s3://"},
		{"ref+file://etc/passwd", "reference ref+file:// is refused"},
		{"ref+echo://" + secret, "reference ref+echo:// is refused"},
		{"ref+envsubst://$HOME", "reference ref+envsubst:// is refused"},
		{"ref+awskms://mda/token", "reference ref+awskms:// is refused"},
		{"ref+vault://mda/token", "reference ref+vault:// is refused"},
		{"ref+AWSSSM://refuse/text", "reference ref+AWSSSM:// is refused"},
		{"ref+", "not of the form"},
		{"ref+awsssm", "not of the form"},
		{"ref+awsssm://refuse/text+", "not of the form"},
		{"ref+awsssm://refuse/text and more", "not of the form"},
		{"ref+awsssm://ref+exec://id/x", "not of the form"},
		{"ref+awsssm://refuse/text+ref+exec://id", "not of the form"},
		{"ref+awsssm://refuse/text\nref+exec://id", "not of the form"},
		{"ref+awsssm://refuse/text?mode=singleparam", `parameter "mode" is refused: use region, profile, role_arn, version`},
		{"ref+awsssm://refuse/text?recursive=true", `parameter "recursive" is refused`},
		{"ref+awsssm://refuse/text?region=", `parameter "region" needs one value`},
		{"ref+awsssm://refuse/text?region=a&region=b", `parameter "region" needs one value`},
		{"ref+awsssm://refuse/text?region=%zz", "cannot be read"},
		{"ref+awsssm://refuse/text?profile=typo", "load AWS profile: failed to get shared config profile, typo"},
		{"ref+awsssm://refuse/none", "there is no such key"},
		{"ref+awsssm://refuse#/none", "there is no such key"},
		{"ref+awsssm://nothing#/here", "there is no such key"},
		{"ref+awsssm://refuse#/text/deeper", "there is no such key"},
		{"ref+awsssm://refuse/nested", "contains a reference itself"},
		{"ref+s3://bucket-without-key", "its reason is left out"},
	}
	for _, test := range tests {
		t.Run(test.ref, func(t *testing.T) {
			t.Parallel()
			got, err := Resolve(t.Context(), test.ref)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) || !got.Empty() {
				t.Errorf("the secret shows: %v", err)
			}
		})
	}
}

func TestAllowedReferences(t *testing.T) {
	t.Parallel()
	tests := []struct{ ref, profile string }{
		{"ref+awssecrets://mda/token", ""},
		{"ref+awssecrets://arn:aws:secretsmanager:eu-central-1:111111111111:secret:mda-a1b2c3#/token", ""},
		{"ref+s3://bucket/path/to/secrets.yaml?region=eu-central-1#/gitlab/token", ""},
		{"ref+s3://bucket/key?profile=known&version=abc", "known"},
	}
	for _, test := range tests {
		profile, err := checkReference(test.ref)
		if profile != test.profile || err != nil {
			t.Errorf("%s: got profile %q, %v, want %q", test.ref, profile, err, test.profile)
		}
	}
}

func TestResolvedSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	s, err := Resolve(t.Context(), "env:LOCKSTEP_TEST_TOKEN")
	if err != nil {
		t.Fatal(err)
	}
	config := struct {
		Token any
		inner any
	}{s, s}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "token", s, "config", config)
	encoded, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, print := range []string{log.String(), string(encoded), fmt.Sprintf("%v %+v %#v %q %x", s, config, config, s, s)} {
		if strings.Contains(print, s.Reveal()) {
			t.Errorf("printed: %s", print)
		}
	}
}

// Not parallel: it points vals to a server that never answers.
func TestResolveHasDeadline(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // connections wait in its backlog
	t.Setenv("AWS_ENDPOINT_URL", "http://"+silent.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Resolve(ctx, "ref+awsssm://resolve/token")
	if want := "wait for AWS: context deadline exceeded"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
