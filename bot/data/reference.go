package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/helmfile/vals/pkg/awsclicompat"
	"github.com/helmfile/vals/pkg/config"
	"github.com/helmfile/vals/pkg/expansion"
	"github.com/helmfile/vals/pkg/log"
	"github.com/helmfile/vals/pkg/providers/awssecrets"
	"github.com/helmfile/vals/pkg/providers/s3"

	"lockstep/bot"
)

const (
	resolveWithin = 15 * time.Second // for one reference into AWS
	maxSecret     = 64 << 10         // bytes of a file
)

// What a reference into AWS may say. Everything else that vals knows stays out: it
// can run programs (ref+exec), read any file (ref+file) and hand back plain text
// (ref+echo, ref+envsubst).
var (
	schemes = []string{"awsssm", "awssecrets", "s3"}
	options = []string{"region", "profile", "role_arn", "version"}
)

// errPlain answers what is no reference. It does not repeat the text, which may be
// the secret.
var errPlain = errors.New("this is no reference, and secrets do not stand in the configuration: " +
	"write a reference such as env:GITLAB_TOKEN (file:/path, ref+awsssm://, ref+awssecrets:// and ref+s3:// work too)")

// variable is the name of an environment variable.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Resolve returns the secret that ref stands for:
//
//	env:NAME                the environment variable NAME
//	file:/absolute/path     the content of a file, without one final newline
//	ref+awsssm://…          a parameter, with credentials as vals finds them
//	ref+awssecrets://…      a secret of the Secrets Manager, by vals
//	ref+s3://bucket/key     an object, by vals
//
// The last three may have the parameters region, profile, role_arn and version, and
// a fragment (#/key) that selects a text in a map, or a parameter below the path. They are asked anew each time and
// take 15 s at most. Everything else is refused, an empty secret too. No error
// repeats the secret, or a text that may be one.
func Resolve(ctx context.Context, ref string) (bot.Secret, error) {
	kind, rest, _ := strings.Cut(ref, ":")
	var text string
	var err error
	switch {
	case kind == "env":
		text, err = fromEnvironment(rest)
	case kind == "file":
		text, err = fromFile(rest)
	case strings.HasPrefix(ref, "ref+"):
		text, err = fromVals(ctx, ref)
	default:
		err = errPlain
	}
	if err != nil {
		return bot.Secret{}, err
	}
	return bot.NewSecret(text), nil
}

// fromEnvironment returns the value of a variable that is set.
func fromEnvironment(name string) (string, error) {
	if !variable.MatchString(name) {
		return "", errors.New("reference env: the name of a variable consists of letters, digits and _: write one such as env:GITLAB_TOKEN")
	}
	text := os.Getenv(name)
	if text == "" {
		return "", fmt.Errorf("reference env:%s: the variable is not set or empty", name)
	}
	return text, nil
}

// fromFile returns the content of a regular file.
func fromFile(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", errors.New("reference file: the path is relative: write one such as file:/run/secrets/gitlab-token")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("reference file: %v", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("reference file: %s is no regular file", path)
	case info.Size() > maxSecret:
		return "", fmt.Errorf("reference file: %s has %d bytes, and a secret has %d at most", path, info.Size(), maxSecret)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reference file: %v", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("reference file: %s is empty", path)
	}
	return text, nil
}

// fromVals returns what vals finds under a reference that is allowed.
func fromVals(ctx context.Context, ref string) (string, error) {
	profile, err := checkReference(ref)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, resolveWithin)
	defer cancel()
	if err := checkProfile(ctx, profile); err != nil {
		return "", fmt.Errorf("reference %s: %v", ref, err)
	}
	text, err := evaluate(ctx, ref)
	switch {
	case err != nil:
		return "", fmt.Errorf("reference %s: %v", ref, err)
	case text == "":
		return "", fmt.Errorf("reference %s: it is empty", ref)
	case strings.Contains(text, "ref+"):
		return "", fmt.Errorf("reference %s: what it stands for contains a reference itself: write that one here", ref)
	}
	return text, nil
}

// checkReference refuses what is not allowed of vals, and returns the AWS profile
// that ref names. Only one reference that is the whole of ref passes, so that nothing
// hides in or behind it.
func checkReference(ref string) (profile string, err error) {
	found := expansion.DefaultRefRegexp.FindStringSubmatch(ref)
	if found == nil || found[0] != ref || strings.HasSuffix(ref, "+") {
		return "", errors.New("reference ref+: it is not of the form ref+scheme://path, without spaces, quotes and further references")
	}
	scheme, rest, _ := strings.Cut(found[3], "://")
	if !slices.Contains(schemes, scheme) {
		return "", fmt.Errorf("reference ref+%s:// is refused: use one of ref+%s://", scheme, strings.Join(schemes, "://, ref+"))
	}
	rest, _, _ = strings.Cut(rest, "#")
	_, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("reference ref+%s://: its parameters cannot be read: %v", scheme, err)
	}
	for name, given := range values {
		switch {
		case !slices.Contains(options, name):
			return "", fmt.Errorf("reference ref+%s://: parameter %q is refused: use %s", scheme, name, strings.Join(options, ", "))
		case len(given) != 1 || given[0] == "":
			return "", fmt.Errorf("reference ref+%s://: parameter %q needs one value", scheme, name)
		}
	}
	return values.Get("profile"), nil
}

// checkProfile refuses a profile that does not exist. vals would use whatever other
// credentials it finds instead.
func checkProfile(ctx context.Context, profile string) error {
	if profile == "" {
		return nil
	}
	env, err := awsconfig.NewEnvConfig()
	if err != nil {
		return fmt.Errorf("read AWS environment: %v", err)
	}
	_, err = awsconfig.LoadSharedConfigProfile(ctx, profile, func(o *awsconfig.LoadSharedConfigOptions) {
		if env.SharedConfigFile != "" {
			o.ConfigFiles = []string{env.SharedConfigFile}
		}
		if env.SharedCredentialsFile != "" {
			o.CredentialsFiles = []string{env.SharedCredentialsFile}
		}
	})
	if err != nil {
		return fmt.Errorf("load AWS profile: %v", err)
	}
	return nil
}

// evaluate asks vals and waits no longer than ctx. vals itself cannot be stopped: its
// goroutine outlives the wait until the AWS SDK gives up, and its result is dropped.
func evaluate(ctx context.Context, ref string) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := ask(ref)
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", fmt.Errorf("wait for AWS: %v", ctx.Err())
	}
}

// ask returns the text under ref, by the provider of vals for its scheme; that of SSM
// is our own. A provider keeps nothing between two references. It panics where the AWS
// configuration cannot be loaded.
//
// The runtime of vals is left out on purpose: it brings along the providers that run
// programs and read files, and every operation of four AWS services, which is 10 MB.
func ask(ref string) (text string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			text, err = "", safe(fmt.Sprint(cause))
		}
	}()
	scheme, rest, _ := strings.Cut(strings.TrimPrefix(ref, "ref+"), "://")
	rest, fragment, selects := strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return "", errors.New("its parameters cannot be read")
	}
	if !strings.HasPrefix(path, "arn:") {
		if path, err = url.PathUnescape(path); err != nil {
			return "", errors.New("its path cannot be read")
		}
	}
	settings := config.MapConfig{M: map[string]any{}}
	for name := range parameters {
		settings.M[name] = parameters.Get(name)
	}
	if scheme == "awsssm" {
		return fromSSM(path+fragment, settings)
	}
	getString, getMap := provider(scheme, settings)
	if !selects {
		if text, err = getString(path); err != nil {
			return "", safe(err.Error())
		}
		return text, nil
	}
	values, err := getMap(path)
	if err != nil {
		return "", safe(err.Error())
	}
	return pick(values, strings.Split(strings.TrimPrefix(fragment, "/"), "/"))
}

// fromSSM returns a parameter, with the credentials that vals finds. Its own provider
// for SSM would keep all operations of the service in the program, for the sake of two
// pages of history. As there, a fragment leads to a parameter below the path.
func fromSSM(name string, settings config.MapConfig) (string, error) {
	ctx := context.Background() // evaluate does not wait for longer than it may
	cfg, err := awsclicompat.NewConfig(ctx, settings.String("region"), settings.String("profile"), settings.String("role_arn"))
	if err != nil {
		return "", safe(err.Error())
	}
	name = "/" + strings.TrimPrefix(name, "/")
	if version := settings.String("version"); version != "" {
		name += ":" + version
	}
	decrypt := true
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})
	var none *types.ParameterNotFound
	switch {
	case errors.As(err, &none):
		return "", errors.New("there is no such key")
	case err != nil:
		return "", safe(err.Error())
	case out.Parameter == nil || out.Parameter.Value == nil:
		return "", errors.New("SSM answers without a value")
	}
	return *out.Parameter.Value, nil
}

// provider returns how vals reads a text and a map under a scheme. No provider becomes
// an interface here, so that the linker keeps only what they use of AWS.
func provider(scheme string, settings config.MapConfig) (text func(string) (string, error), values func(string) (map[string]any, error)) {
	quiet := log.New(log.Config{Output: io.Discard})
	switch scheme {
	case "awssecrets":
		p := awssecrets.New(quiet, settings, "")
		return p.GetString, p.GetStringMap
	case "s3":
		p := s3.New(quiet, settings, "")
		return p.GetString, p.GetStringMap
	}
	panic("bot/data: scheme " + scheme + " was not checked")
}

// pick returns the text to which keys lead.
func pick(values map[string]any, keys []string) (string, error) {
	for _, key := range keys[:len(keys)-1] {
		next, found := values[key]
		if !found {
			return "", errors.New("there is no such key")
		}
		inner, ok := next.(map[string]any)
		if !ok {
			return "", fmt.Errorf("%s is no map: let the #/key lead to a text in a YAML or JSON map", key)
		}
		values = inner
	}
	value, found := values[keys[len(keys)-1]]
	if !found {
		return "", errors.New("there is no such key")
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("it stands for a %T: a secret is a text, quote it", value)
	}
	return text, nil
}

// safe returns what may be said of an error text of vals. The words of the AWS SDK
// hold no values; those of vals and of its YAML reader may quote the secret.
func safe(text string) error {
	if _, words, ok := strings.Cut(text, "operation error "); ok {
		return errors.New(words)
	}
	if strings.Contains(text, "no value found for key") || strings.Contains(text, "out.Parameters is empty") {
		return errors.New("there is no such key")
	}
	return errors.New("vals cannot read it, and its reason is left out because it may quote the secret: " +
		"check that a #/key leads to a text in a YAML or JSON map, and that the AWS configuration of this process loads")
}
