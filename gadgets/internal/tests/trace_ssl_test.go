package tests

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// sslEvent is one event of data source ssl.
type sslEvent struct {
	Proc    live.Process `json:"proc"`
	Latency int64        `json:"latency_ns"`
	protected
}

// protected is what a test compares of each event.
type protected struct {
	Operation string `json:"operation"`
	Error     int    `json:"error"`
	Len       int    `json:"len"`
	Buf       string `json:"buf"`
}

// What clients send to the server, and how long it thinks about the last one.
const (
	sslShort = "p\x1b[31mng\x00!"
	sslBye   = "bye"
	sslPause = 500 * time.Millisecond
	sslMost  = 8192 // bytes of an event
)

var (
	sslLong  = strings.Repeat("0123456789", 1000)
	sslReads = regexp.MustCompile(`_(SSL_read|gnutls_record_recv|PR_Read|PR_Recv)`)
)

// sslClient begins each program below: a connection to the server, and what is sent.
const sslClient = `
import ctypes, os, socket, sys
from ctypes import CDLL, CFUNCTYPE, byref, c_int, c_size_t, c_uint, c_void_p, create_string_buffer
s = socket.socket()
s.connect(("127.0.0.1", int(sys.argv[1])))
short, long, bye, buf, n = b"p\x1b[31mng\0!", b"0123456789" * 1000, b"bye", create_string_buffer(16384), c_size_t()
def of(library, name, *args):
    f = getattr(library, name)
    f.restype = c_void_p
    return f(*[c_void_p(a) if isinstance(a, int) else a for a in args])
def checked(got, want):
    if c_int(got or 0).value != want:
        sys.exit("%r instead of %r" % (got, want))
`

// sslLibrary is a library, a program that uses it, and what is seen of it.
type sslLibrary struct {
	name, file, program string
	handshake           string    // empty where it is a part of what follows
	functions, long     [2]string // with which messages are sent and received, and the long one
	failed              []protected
}

// good are the events of a handshake, where it is seen, and of messages that are sent and echoed.
func (l sslLibrary) good() []protected {
	var out []protected
	if l.handshake != "" {
		out = append(out, protected{Operation: l.handshake})
	}
	for _, message := range []string{sslShort, sslLong, sslBye} {
		functions := l.functions
		if message == sslLong {
			functions = l.long
		}
		shown := message[:min(len(message), sslMost)]
		out = append(out, protected{functions[0], 0, len(message), shown}, protected{functions[1], 0, len(message), shown})
	}
	return out
}

func sslLibraries() []sslLibrary {
	return []sslLibrary{
		{
			"openssl", "libssl.so.3",
			`
lib = CDLL("libssl.so.3")
ssl = of(lib, "SSL_new", of(lib, "SSL_CTX_new", of(lib, "TLS_client_method")))
of(lib, "SSL_set_fd", ssl, s.fileno())
checked(of(lib, "SSL_connect", ssl), 1)
checked(of(lib, "SSL_write", ssl, short, len(short)), len(short))
checked(of(lib, "SSL_read", ssl, buf, 16384), len(short))
checked(of(lib, "SSL_write_ex", ssl, long, len(long), byref(n)), 1)
checked(of(lib, "SSL_read_ex", ssl, buf, 16384, byref(n)), 1)
checked(of(lib, "SSL_write", ssl, bye, len(bye)), len(bye))
checked(of(lib, "SSL_read", ssl, buf, 16384), len(bye))
checked(of(lib, "SSL_read", ssl, buf, 16384), 0)
checked(of(lib, "SSL_read_ex", ssl, buf, 16384, byref(n)), 0)
ssl = of(lib, "SSL_new", of(lib, "SSL_CTX_new", of(lib, "TLS_client_method")))
checked(of(lib, "SSL_do_handshake", ssl), -1)
`,
			"libssl_SSL_do_handshake",
			[2]string{"libssl_SSL_write", "libssl_SSL_read"},
			[2]string{"libssl_SSL_write_ex", "libssl_SSL_read_ex"},
			[]protected{
				{"libssl_SSL_read", 0, 0, ""}, {"libssl_SSL_read_ex", -1, 0, ""}, {"libssl_SSL_do_handshake", -1, 0, ""},
			},
		},
		{
			"gnutls", "libgnutls.so.30",
			`
lib = CDLL("libgnutls.so.30")
session, credentials = c_void_p(), c_void_p()
of(lib, "gnutls_certificate_allocate_credentials", byref(credentials))
checked(of(lib, "gnutls_init", byref(session), 1 << 1), 0)
of(lib, "gnutls_set_default_priority", session)
of(lib, "gnutls_credentials_set", session, 1, credentials)
of(lib, "gnutls_transport_set_int2", session, s.fileno(), s.fileno())
checked(of(lib, "gnutls_handshake", session), 0)
for message in short, long, bye:
    checked(of(lib, "gnutls_record_send", session, message, len(message)), len(message))
    checked(of(lib, "gnutls_record_recv", session, buf, 16384), len(message))
checked(of(lib, "gnutls_record_recv", session, buf, 16384), 0)
of(lib, "gnutls_init", byref(session), 1 << 1)
checked(of(lib, "gnutls_handshake", session), -326)
`,
			"libgnutls_gnutls_handshake",
			[2]string{"libgnutls_gnutls_record_send", "libgnutls_gnutls_record_recv"},
			[2]string{"libgnutls_gnutls_record_send", "libgnutls_gnutls_record_recv"},
			[]protected{{"libgnutls_gnutls_record_recv", 0, 0, ""}, {"libgnutls_gnutls_handshake", -326, 0, ""}},
		},
		{
			"nss", "libnspr4.so",
			`
nspr, nss, lib = CDLL("libnspr4.so"), CDLL("libnss3.so"), CDLL("libssl3.so")
checked(of(nss, "NSS_NoDB_Init", None), 0)
checked(of(lib, "NSS_SetDomesticPolicy"), 0)
accept = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int)(lambda *args: 0)
plain = of(nspr, "PR_ImportFile", os.open("/dev/null", os.O_WRONLY))
checked(of(nspr, "PR_Write", plain, short, len(short)), len(short))
fd = of(lib, "SSL_ImportFD", None, of(nspr, "PR_ImportTCPSocket", s.fileno()))
of(lib, "SSL_AuthCertificateHook", fd, accept, None)
of(lib, "SSL_SetURL", fd, b"localhost")
of(lib, "SSL_ResetHandshake", fd, 0)
checked(of(nspr, "PR_Write", fd, short, len(short)), len(short))
checked(of(nspr, "PR_Read", fd, buf, 16384), len(short))
checked(of(nspr, "PR_Send", fd, long, len(long), 0, c_uint(0xffffffff)), len(long))
checked(of(nspr, "PR_Recv", fd, buf, 16384, 0, c_uint(0xffffffff)), len(long))
checked(of(nspr, "PR_Write", fd, bye, len(bye)), len(bye))
checked(of(nspr, "PR_Read", fd, buf, 16384), len(bye))
checked(of(nspr, "PR_Read", fd, buf, 16384), 0)
os._exit(0)
`,
			"",
			[2]string{"libnss_PR_Write", "libnss_PR_Read"},
			[2]string{"libnss_PR_Send", "libnss_PR_Recv"},
			[]protected{{"libnss_PR_Read", 0, 0, ""}},
		},
	}
}

// sslCertificate returns a self-signed certificate.
func sslCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sslServer is an echo server; it returns its port.
func sslServer(t *testing.T) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{sslCertificate(t)}, SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go sslEcho(c)
		}
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func sslEcho(c net.Conn) {
	defer c.Close()
	for buf := make([]byte, 16384); ; {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		last := string(buf[:n]) == sslBye
		if last {
			time.Sleep(sslPause)
		}
		if _, err := c.Write(buf[:n]); err != nil || last {
			return
		}
	}
}

func TestTraceSSL(t *testing.T) {
	python := needsPython(t)
	port := sslServer(t)
	comm := []string{"--comm", filepath.Base(python)}
	for _, library := range sslLibraries() {
		good := library.good()
		unread := slices.Clone(good)
		for i := range unread {
			unread[i].Buf = ""
		}
		cases := []struct {
			name string
			args []string
			want []protected
		}{
			{"good", comm, good},
			{"all", append([]string{"--ignore-errors=false"}, comm...), slices.Concat(good, library.failed)},
			{"without bytes", append([]string{"--record-data=false"}, comm...), unread},
			{"another process", []string{"--pid", "1"}, nil},
		}
		t.Run(library.name, func(t *testing.T) {
			load := exec.Command(python, "-c", "import ctypes; ctypes.CDLL('"+library.file+"')") //nolint:noctx // short
			if err := load.Run(); err != nil {
				t.Skip("needs " + library.file)
			}
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) { library.test(t, python, port, c.args, c.want) })
			}
		})
	}
}

// test compares what is seen of the program with what it did.
func (l sslLibrary) test(t *testing.T, python, port string, args []string, want []protected) {
	t.Helper()
	var pid int
	events := live.Observe[sslEvent](t, "trace_ssl", args, func() {
		cmd := exec.Command(python, "-S", "-c", sslClient+l.program, port) //nolint:noctx // short
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("the program: %v: %s", err, out)
		}
		pid = cmd.Process.Pid
	})
	var got []protected
	for _, e := range events {
		if e.Proc.PID != pid {
			continue
		}
		got = append(got, e.protected)
		least := time.Nanosecond
		if e.Len == len(sslBye) && sslReads.MatchString(e.Operation) {
			least = sslPause / 2 // a slow client begins to wait later
		}
		if took := time.Duration(e.Latency); took < least || took > 10*time.Second {
			t.Errorf("%s of %d bytes took %s", e.Operation, e.Len, time.Duration(e.Latency))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
