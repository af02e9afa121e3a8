// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/account"
	"rastau/internal/blob"
	"rastau/internal/seal"
	"rastau/internal/store"
	"rastau/licensing"
	"rastau/signer"
)

// Config is the file that `rastau serve --config F` reads. Relative paths count from the file's folder.
// docs/CONFIG.md shows it whole.
type Config struct {
	// Listen is host:port of the API. Optional. If empty, 127.0.0.1:8080.
	Listen string `yaml:"listen"`
	// PublicURL is how people reach this service; QR codes lead to PublicURL/v/NUMBER. Required.
	PublicURL string `yaml:"publicURL"`
	// Database is the SQLite file, whose folder must exist, or the postgres:// address of a PostgreSQL server. Required.
	Database string `yaml:"database"`
	// DatabasePasswordFile and DatabasePasswordEnv say where PostgreSQL's password stands; it never stands in the configuration. Optional.
	DatabasePasswordFile string `yaml:"databasePasswordFile"`
	DatabasePasswordEnv  string `yaml:"databasePasswordEnv"`
	// Blobs says where attachments and pages of licences lie.
	Blobs BlobConfig `yaml:"blobs"`
	// PersonalData says how personal data in the database and among the blobs are sealed; docs/STORAGE.md explains it.
	PersonalData SealConfig `yaml:"personalData"`
	// Anchors are files or folders of trusted certificates. Required: without an anchor nothing can be valid.
	Anchors []string `yaml:"anchors"`
	// TSAAnchors likewise for time-stamping authorities. Optional. If empty, Anchors.
	TSAAnchors []string `yaml:"tsaAnchors"`
	// TestContour allows anchors of the public test contour, whose keys are known to everybody. Optional; never in production.
	TestContour bool `yaml:"testContour"`
	// Certificates are files or folders of intermediate certificates that help building paths. Optional.
	Certificates []string `yaml:"certificates"`
	// Key is the licensor's signing key. Required, unless Keys are given.
	Key KeyConfig `yaml:"key"`
	// Keys are several signing keys in the order of preference: the first that is valid now and not revoked signs.
	// docs/KEYS.md tells how one follows another. Optional.
	Keys []KeyConfig `yaml:"keys"`
	// Seal is the system's own key: it certifies what the licensor's silence decides. The table of authorities lists it with the
	// officer "system". Optional; without it overdue applications are only escalated.
	Seal KeyConfig `yaml:"seal"`
	// LogKey is the file with the key that signs the checkpoints of the register's log (rastau log key). Optional.
	LogKey string `yaml:"logKey"`
	// Levels of the signatures. Optional.
	Levels LevelConfig `yaml:"levels"`
	// TSA is the address of the time-stamping authority. Optional. If empty, licences are signed without a time stamp (B-B).
	TSA string `yaml:"tsa"`
	// Redis is an address such as redis://127.0.0.1:6379/0. Optional. If empty, REDIS_URL is read; if that is empty too, memory.
	Redis string `yaml:"redis"`
	// Lists says how revocation lists are kept and shared.
	Lists ListConfig `yaml:"lists"`
	// Allow lists networks (CIDR) that may be asked although the IANA special-purpose registries name them: internal CAs. Optional.
	Allow []string `yaml:"allow"`
	// Proxy is the address of an HTTP proxy for lists, OCSP and time stamps. Optional.
	Proxy string `yaml:"proxy"`
	// MaxAge is how old revocation data may be. Optional. If zero, until its nextUpdate.
	MaxAge time.Duration `yaml:"maxAge"`
	// FetchIssuers lets missing issuers' certificates be fetched from the addresses that a certificate names. Optional; without
	// it nobody on the network is asked anything on the word of a certificate that is not trusted yet.
	FetchIssuers bool `yaml:"fetchIssuers"`
	// Accounts are the bearer tokens (their SHA-256) and roles. Required.
	Accounts []account.Account `yaml:"accounts"`
	// Authorities is the file with the dated table of who may sign for which licensor. Required.
	Authorities string `yaml:"authorities"`
	// Regulations are further regulation files beside the embedded ones. Optional.
	Regulations []string `yaml:"regulations"`
	// Rates is the file with the dated monthly calculation index. Optional. If empty, the embedded table.
	Rates string `yaml:"rates"`
	// Calendar is the file with working days and holidays. Optional. If empty, the embedded one.
	Calendar string `yaml:"calendar"`
	// Gateway connects state registers, payments and notices. Optional.
	Gateway GatewayConfig `yaml:"gateway"`
	// NCANode answers as NCANode does, for systems that ask it today. Optional.
	NCANode NCANodeConfig `yaml:"ncanode"`
	// NCALayer is the address of the signing program on people's machines. Optional. If empty, wss://127.0.0.1:13579/.
	NCALayer string `yaml:"ncalayer"`
	// LicenceCode is the three-letter document code in licence numbers. Required.
	LicenceCode string `yaml:"licenceCode"`
	// AcceptRepealed lets repealed regulations take applications. Optional; the demo sets it.
	AcceptRepealed bool `yaml:"acceptRepealed"`
	// Specimen prints a clear mark on licences. Optional; the demo sets it.
	Specimen bool `yaml:"specimen"`
	// BodyLimit bounds a request in bytes. Optional. If zero, 32 MiB.
	BodyLimit int64 `yaml:"bodyLimit"`
	// RatePerMinute bounds the requests of one token. Optional. If zero, 600.
	RatePerMinute int `yaml:"ratePerMinute"`
	// Drain is how long the service, told to stop, goes on answering while /readyz says that it stops. Optional. If zero, not at all.
	Drain time.Duration `yaml:"drain"`
	// Pprof is the host:port, on loopback only, where profiles of the running program are served. Optional. If empty, nowhere.
	Pprof string `yaml:"pprof"`
	// Traces are sent to a collector of OpenTelemetry.
	Traces TraceConfig `yaml:"traces"`
	// TrustProxy lists networks (CIDR) whose X-Forwarded-For counts. Optional.
	TrustProxy []string `yaml:"trustProxy"`

	file, folder string
}

// LevelConfig is the level of each kind of document that the licensor signs: B, T, LT or LTA. Optional. If empty, T with a TSA
// and B without. LTA keeps a licence verifiable for decades.
type LevelConfig struct {
	Licence  string `yaml:"licence"`
	Receipt  string `yaml:"receipt"`
	Decision string `yaml:"decision"`
}

func (l LevelConfig) levels() (licensing.Levels, error) {
	var out licensing.Levels
	for _, one := range []struct {
		key, value string
		to         *signer.Level
	}{{"licence", l.Licence, &out.Licence}, {"receipt", l.Receipt, &out.Receipt}, {"decision", l.Decision, &out.Decision}} {
		if one.value == "" {
			continue
		}
		level, err := signer.ParseLevel(one.value)
		if err != nil {
			return out, fmt.Errorf("levels.%s: %w", one.key, err)
		}
		*one.to = level
	}
	return out, nil
}

// BlobConfig is a folder or a bucket.
type BlobConfig struct {
	// Address is a folder or https://host/bucket of an S3-compatible service. Optional. If empty, the folder DATABASE.blobs
	// beside an SQLite file, or inside a PostgreSQL database.
	Address string `yaml:"address"`
	// AccessKey of the bucket; its secret stands in SecretFile or in the environment under SecretEnv.
	AccessKey  string `yaml:"accessKey"`
	SecretFile string `yaml:"secretFile"`
	SecretEnv  string `yaml:"secretEnv"`
}

// SealConfig names the master keys.
type SealConfig struct {
	// KeyFile holds a line for each master key, its id and 32 bytes in base64, the current one first. Optional, but without it
	// personal data stand open on the disk.
	KeyFile string `yaml:"keyFile"`
}

// ListConfig is how revocation lists are kept and shared; docs/LISTS.md explains it.
type ListConfig struct {
	// KeyFile holds the secret, 16 octets or more and the same for all processes, that seals what goes through Redis. Optional,
	// but without it whoever writes to Redis can show a fresh process an older genuine list.
	KeyFile string `yaml:"keyFile"`
	// Folder keeps lists over a restart. Optional.
	Folder string `yaml:"folder"`
	// Offline is a folder of lists that is the only source. Optional.
	Offline string `yaml:"offline"`
	// Mirrors are further addresses of a list, by its address. Optional.
	Mirrors map[string][]string `yaml:"mirrors"`
	// Refresh is how long a list is held before it is asked for again. Optional. If zero, 1 h.
	Refresh time.Duration `yaml:"refresh"`
	// Poll is how often this process looks whether another has left a newer list in Redis. Optional. If zero, 2 s.
	Poll time.Duration `yaml:"poll"`
	// AnswerCap is how long an OCSP answer is given again at most, however far its nextUpdate. Optional. If zero, 5 min; negative
	// for never.
	AnswerCap time.Duration `yaml:"answerCap"`
}

const maxConfig = 1 << 20

// loadConfig reads and checks a configuration; every mistake is named at once.
func loadConfig(name string) (*Config, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, unreadablef("%v", err)
	}
	if len(data) > maxConfig {
		return nil, unreadablef("%s is larger than 1 MiB: this is no configuration", name)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true) // an unknown key is a mistake, not a wish
	c := &Config{Listen: "127.0.0.1:8080", file: name, folder: filepath.Dir(name)}
	if err := dec.Decode(c); errors.Is(err, io.EOF) {
		return nil, usagef("%s is empty; docs/CONFIG.md shows what stands in it", name)
	} else if err != nil {
		var mistakes *yaml.TypeError
		if !errors.As(err, &mistakes) {
			return nil, usagef("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		all := make([]string, len(mistakes.Errors))
		for i, text := range mistakes.Errors {
			all[i] = "  " + keyMistake(text)
		}
		return nil, usagef("%s:\n%s", name, strings.Join(all, "\n"))
	}
	if err := c.applyEnvironment(os.Environ()); err != nil {
		return nil, usagef("%s:\n%v", name, err)
	}
	if err := c.check(); err != nil {
		return nil, usagef("%s:\n%v", name, err)
	}
	return c, nil
}

func (c *Config) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.folder, p)
}

func (c *Config) paths(list []string) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = c.path(p)
	}
	return out
}

func (c *Config) check() error {
	var all []error
	add := func(format string, args ...any) { all = append(all, fmt.Errorf("  "+format, args...)) }
	c.Gateway.check(add)
	checkAddress(add, "listen", c.Listen)
	if c.Pprof != "" {
		checkAddress(add, "pprof", c.Pprof)
		if host, _, err := net.SplitHostPort(c.Pprof); err == nil && !listenLoopbackOnly(host) {
			add("pprof: profiles show memory: only 127.0.0.1 or ::1 may serve them")
		}
	}
	c.Traces.check(add)
	if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		add("publicURL: required, an http or https address, for example https://licence.example.kz")
	}
	if c.Database == "" {
		add("database: required, the path of the SQLite file or the postgres:// address of a server")
	} else if store.IsPostgres(c.Database) {
		if u, err := url.Parse(c.Database); err != nil || u.Host == "" && u.Query().Get("host") == "" {
			add("database: no address of a server; write it like postgres://rastau@db.example.kz/rastau")
		} else if _, given := u.User.Password(); given || u.Query().Has("password") {
			add("database: the password does not belong into the address; give databasePasswordFile or databasePasswordEnv")
		}
		if c.DatabasePasswordFile != "" && c.DatabasePasswordEnv != "" {
			add("databasePasswordFile, databasePasswordEnv: give one of them")
		}
	} else if info, err := os.Stat(filepath.Dir(c.path(c.Database))); err != nil || !info.IsDir() {
		add("database: the folder %s does not exist; create it", filepath.Dir(c.path(c.Database)))
	}
	if b := c.Blobs; blob.IsBucket(b.Address) && (b.AccessKey == "" || (b.SecretFile == "") == (b.SecretEnv == "")) {
		add("blobs: a bucket needs accessKey and either secretFile or secretEnv")
	}
	if len(c.Anchors) == 0 {
		add("anchors: required, at least one trusted certificate")
	}
	for _, list := range [][]string{c.Certificates, c.Regulations} { // anchors that are missing are told by whoever reads them
		for _, p := range list {
			if _, err := os.Stat(c.path(p)); err != nil {
				add("%v", err)
			}
		}
	}
	c.checkKeys(add)
	if levels, err := c.Levels.levels(); err != nil {
		add("%v", err)
	} else if c.TSA == "" && max(levels.Licence, levels.Receipt, levels.Decision) > signer.LevelB {
		add("levels: every level above B needs tsa, the address of a time-stamping authority")
	}
	for _, address := range []string{c.TSA, c.Proxy} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			add("%q is no http or https address", address)
		}
	}
	if _, err := parsePrefixes(c.Allow); err != nil {
		add("allow: %v", err)
	}
	if _, err := parsePrefixes(c.TrustProxy); err != nil {
		add("trustProxy: %v", err)
	}
	if len(c.Accounts) == 0 {
		add("accounts: required; without one nobody can ask anything")
	}
	if c.Authorities == "" {
		add("authorities: required, the dated table of who may sign")
	}
	if len(c.LicenceCode) != 3 || strings.Trim(c.LicenceCode, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		add("licenceCode: three capital letters")
	}
	if c.Drain < 0 || c.Drain > 5*time.Minute {
		add("drain: %s is not between 0s and 5m", c.Drain)
	}
	if c.MaxAge < 0 || c.BodyLimit < 0 || c.RatePerMinute < 0 {
		add("maxAge, bodyLimit and ratePerMinute must not be negative")
	}
	return errors.Join(all...)
}

// secret reads a password from the environment, where env is given, or from a file. name begins the names of both settings.
func (c *Config) secret(name, file, env string) (string, error) {
	if env != "" {
		v, ok := os.LookupEnv(env)
		if !ok {
			return "", usagef("%sEnv: the environment has no %s", name, env)
		}
		return v, nil
	}
	data, err := os.ReadFile(c.path(file))
	if err != nil {
		return "", usagef("%sFile: %v", name, err)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// openStore opens the database that the configuration names.
func (c *Config) openStore(ctx context.Context) (*store.Store, error) {
	o, err := c.storeOptions()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, o)
	if err != nil {
		return nil, unreadablef("database: %v", err)
	}
	return db, nil
}

// storeOptions says where the register is, with the secrets that open it.
func (c *Config) storeOptions() (o store.Options, err error) {
	o.Database = c.Database
	if !store.IsPostgres(c.Database) {
		o.Database = c.path(c.Database)
	} else if c.DatabasePasswordFile != "" || c.DatabasePasswordEnv != "" {
		if o.Password, err = c.secret("databasePassword", c.DatabasePasswordFile, c.DatabasePasswordEnv); err != nil {
			return o, err
		}
	}
	if o.Blobs, err = c.openBlobs(); err != nil {
		return o, err
	}
	o.Masters, err = c.readMasters()
	return o, err
}

// checkAddress holds what is listened on to host:port.
func checkAddress(add func(format string, args ...any), key, address string) {
	_, port, err := net.SplitHostPort(address)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
		add("%s: %q is no host:port; write it like 127.0.0.1:8080", key, address)
	}
}

// redisAddress is where Redis is, "" for none.
func (c *Config) redisAddress() string {
	if c.Redis != "" {
		return c.Redis
	}
	return os.Getenv("REDIS_URL")
}

// readListKey reads the key that seals lists on their way through Redis.
func (c *Config) readListKey() ([]byte, error) {
	key, err := readFile(c.path(c.Lists.KeyFile))
	if err != nil {
		return nil, unreadablef("lists.keyFile: %v", err)
	}
	if key = bytes.TrimSpace(key); len(key) < 16 {
		return nil, usagef("lists.keyFile: a key has 16 octets or more; make one with: head -c 32 /dev/urandom | base64")
	}
	return key, nil
}

// openBlobs is where attachments lie; nil is the database itself.
func (c *Config) openBlobs() (blob.Store, error) {
	b := c.Blobs
	switch {
	case blob.IsBucket(b.Address):
		secret, err := c.secret("blobs.secret", b.SecretFile, b.SecretEnv)
		if err != nil {
			return nil, err
		}
		bucket, err := blob.NewBucket(blob.BucketOptions{Address: b.Address, AccessKey: b.AccessKey, Secret: secret})
		if err != nil {
			return nil, usagef("%v", err)
		}
		return bucket, nil
	case b.Address == "" && store.IsPostgres(c.Database):
		return nil, nil
	}
	folder := c.path(b.Address)
	if folder == "" {
		folder = c.path(c.Database) + ".blobs"
	}
	files, err := blob.NewFolder(folder)
	if err != nil {
		return nil, unreadablef("%v", err)
	}
	return files, nil
}

// readMasters reads the master keys; nil where personal data are not sealed.
func (c *Config) readMasters() (*seal.Masters, error) {
	if c.PersonalData.KeyFile == "" {
		return nil, nil
	}
	data, err := readFile(c.path(c.PersonalData.KeyFile))
	if err != nil {
		return nil, unreadablef("personalData.keyFile: %v", err)
	}
	m, err := seal.ReadMasters(data)
	if err != nil {
		return nil, usagef("personalData.keyFile: %v", err)
	}
	return m, nil
}

func parsePrefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is no network; write it like 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}
