package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// certDirs are the directories in which container tools keep one subdirectory of
// certificates per registry.
var certDirs = []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}

// maxCertificates bounds a file of certificates, in bytes.
const maxCertificates = 16 << 20

// tlsConfig returns the TLS settings for a host: the system's certificates,
// CAFile, CertDir, the host's settings, and the host's directories in certDirs.
func (c *Client) tlsConfig(h string, insecure bool) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure} // requested by the user
	settings := c.cfg.host(h)
	for _, file := range []string{c.opts.CAFile, settings.CAFile} {
		if file != "" {
			if err := addCA(cfg, file); err != nil {
				return nil, err
			}
		}
	}
	for _, dir := range []string{c.opts.CertDir, settings.CertDir} {
		if dir != "" {
			if err := addCertDir(cfg, dir); err != nil {
				return nil, err
			}
		}
	}
	for _, parent := range certDirs {
		dir := filepath.Join(parent, h)
		if err := addCertDir(cfg, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return cfg, nil
}

// addCA trusts the certificates in file in addition to the system's. Without any,
// RootCAs stays nil: reading the system's takes longer than a small pull.
func addCA(cfg *tls.Config, file string) error {
	if cfg.RootCAs == nil {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		cfg.RootCAs = pool
	}
	pem, err := action.ReadFile(file, maxCertificates)
	if err != nil {
		return fmt.Errorf("reading certificates: %w", err)
	}
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("reading certificates: %q contains no PEM certificate", file)
	}
	return nil
}

// addCertDir reads a certificate directory: every *.crt is trusted, every
// *.cert with the *.key of the same name is a client pair.
func addCertDir(cfg *tls.Config, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading certificates: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch filepath.Ext(path) {
		case ".crt":
			err = addCA(cfg, path)
		case ".cert":
			err = addClientPair(cfg, path, strings.TrimSuffix(path, ".cert")+".key")
		}
		if err != nil {
			return fmt.Errorf("reading certificates: %q: %w", path, err)
		}
	}
	return nil
}

// addClientPair shows the certificate in a file to servers that request one.
func addClientPair(cfg *tls.Config, certFile, keyFile string) error {
	cert, err := action.ReadFile(certFile, maxCertificates)
	if err != nil {
		return err
	}
	key, err := action.ReadFile(keyFile, maxCertificates)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	cfg.Certificates = append(cfg.Certificates, pair)
	return err
}
