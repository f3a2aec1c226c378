package data

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lockstep/fixtures"
)

// account is the AWS that references through vals are answered from: vals takes its
// endpoint from the environment only, which tests in parallel share.
var account *fixtures.AWS

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// run gives the process an AWS identity of its own and runs the tests.
func run(m *testing.M) int {
	if is, err := benchRole(); is {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	account = fixtures.NewAWS(nil)
	defer account.Close()
	dir, err := os.MkdirTemp("", "data-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	profiles := filepath.Join(dir, "config")
	if err := os.WriteFile(profiles, []byte("[profile known]\nregion = eu-central-1\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = "+secretKey+"\n"), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID":           "AKIAIOSFODNN7EXAMPLE",
		"AWS_SECRET_ACCESS_KEY":       secretKey,
		"AWS_REGION":                  "eu-central-1",
		"AWS_CONFIG_FILE":             profiles,
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials"),
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_ENDPOINT_URL":            account.URL(),
		"LOCKSTEP_TEST_TOKEN":         "token-of-the-environment",
		"LOCKSTEP_TEST_EMPTY":         "",
	} {
		os.Setenv(name, value)
	}
	os.Unsetenv("AWS_PROFILE")
	os.Unsetenv("AWS_SESSION_TOKEN")
	os.Unsetenv("AWS_CA_BUNDLE")
	return m.Run()
}
