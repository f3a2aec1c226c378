package data

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lockstep/bot"
)

// The limits of a parameter's name, of 2048 characters of which AWS wants some for
// its own prefix.
const (
	maxName   = 1011
	maxLevels = 15
)

// nameParts is what a parameter's name may consist of.
var nameParts = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// checkName returns why name can be no parameter's, so that it is said before AWS is
// asked.
func checkName(name string) error {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "/")), "/")
	switch {
	case name == "":
		return errors.New("the name is empty: write one such as /mda/int/data-version")
	case len(name) > maxName:
		return fmt.Errorf("the name has %d characters, and %d are allowed", len(name), maxName)
	case !nameParts.MatchString(name):
		return errors.New("a name consists of letters, digits and . - _ /")
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
		return errors.New(`names that begin with "aws" or "ssm" belong to AWS: begin with another word`)
	case strings.Contains(name, "/") && name[0] != '/':
		return fmt.Errorf("a path begins with a slash: write %q", "/"+name)
	case strings.Contains(name, "//"), strings.HasSuffix(name, "/"):
		return errors.New("a path has no empty parts: write single slashes, and none at the end")
	case strings.Count(name, "/") > maxLevels:
		return fmt.Errorf("the path has %d levels, and %d are allowed", strings.Count(name, "/"), maxLevels)
	}
	return nil
}

// place returns a parameter as errors name it: what, where, as whom.
func place(at bot.Parameter) string {
	s := fmt.Sprintf("parameter %q", at.Name)
	if at.Region != "" {
		s += " in " + at.Region
	}
	if at.RoleARN != "" {
		s += " as " + at.RoleARN
	}
	return s
}

// cures says what an operator can do about a code of AWS.
var cures = map[string]string{
	"AccessDenied":                "let the role's trust policy name that identity, and check the external id",
	"AccessDeniedException":       "grant that identity ssm:GetParameter and ssm:PutParameter on it",
	"ExpiredToken":                "renew the credentials of this process",
	"ExpiredTokenException":       "renew the credentials of this process",
	"InvalidClientTokenId":        "renew the credentials of this process",
	"UnrecognizedClientException": "renew the credentials of this process",
	"InvalidSignatureException":   "check the secret access key and the clock of this machine",
	"SignatureDoesNotMatch":       "check the secret access key and the clock of this machine",
}

// explain returns an error of the SDK as a person reads it: AWS's code and words with
// the cure where there is one, or what kept AWS from answering. Requests, and with
// them credentials, are not in it.
func explain(err error) error {
	var unsent *smithyhttp.RequestSendError
	var refused smithy.APIError
	var answer *smithyhttp.ResponseError
	switch {
	case errors.As(err, &unsent):
		return fmt.Errorf("no answer: %v", unsent.Err)
	case errors.As(err, &refused):
		return errors.New(words(refused))
	case errors.As(err, &answer) && answer.HTTPStatusCode() != 0:
		return fmt.Errorf("status %d %s instead of an answer of AWS", answer.HTTPStatusCode(), http.StatusText(answer.HTTPStatusCode()))
	}
	return fmt.Errorf("ask AWS: %v", err)
}

// words returns what AWS said, and the cure.
func words(refused smithy.APIError) string {
	text := refused.ErrorCode()
	if said := refused.ErrorMessage(); said != "" {
		text += ": " + said
	}
	if cure, ok := cures[refused.ErrorCode()]; ok {
		text += " (" + cure + ")"
	}
	return text
}
