// main.go - golang.org/x/crypto/ssh as a peer; ../README.md has the command line.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
)

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(255)
	}
	return v
}

func one(name string) []string {
	if name == "-" {
		return nil
	}
	return []string{name}
}

func narrow(c *ssh.Config, algs []string) {
	c.KeyExchanges, c.Ciphers, c.MACs = one(algs[0]), one(algs[2]), one(algs[3])
}

func signer(path string) ssh.Signer {
	return must(ssh.ParsePrivateKey(must(os.ReadFile(path))))
}

func client(arg []string) int {
	cfg := &ssh.ClientConfig{
		User:              arg[1],
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer(arg[2]))},
		HostKeyCallback:   ssh.InsecureIgnoreHostKey(),
		HostKeyAlgorithms: one(arg[4]),
	}
	narrow(&cfg.Config, arg[3:])
	conn := must(ssh.Dial("tcp", "127.0.0.1:"+arg[0], cfg))
	session := must(conn.NewSession())
	session.Stdin, session.Stdout = os.Stdin, os.Stdout
	err := session.Run("cat")
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return exit.ExitStatus()
	}
	must(0, err)
	conn.Close()
	return 0
}

func echo(ch ssh.Channel, requests <-chan *ssh.Request) {
	for r := range requests {
		r.Reply(r.Type == "exec", nil)
		if r.Type == "exec" {
			go func() {
				io.Copy(ch, ch)
				ch.CloseWrite()
				ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
				ch.Close()
			}()
		}
	}
}

func serve(c net.Conn, cfg *ssh.ServerConfig) {
	conn, channels, requests, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		if ch.ChannelType() != "session" {
			ch.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		c, r := must2(ch.Accept())
		go echo(c, r)
	}
}

func must2(c ssh.Channel, r <-chan *ssh.Request, err error) (ssh.Channel, <-chan *ssh.Request) {
	must(0, err)
	return c, r
}

func server(arg []string) int {
	key, _, _, _, err := ssh.ParseAuthorizedKey(must(os.ReadFile(arg[1])))
	must(0, err)
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return nil, nil
		}
		return nil, errors.New("another key")
	}}
	narrow(&cfg.Config, arg[2:])
	host := signer(arg[0])
	if arg[3] != "-" && arg[3] != host.PublicKey().Type() {
		host = must(ssh.NewSignerWithAlgorithms(host.(ssh.AlgorithmSigner), one(arg[3])))
	}
	cfg.AddHostKey(host)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		for {
			go serve(must(listener.Accept()), cfg)
		}
	}()
	io.Copy(io.Discard, os.Stdin)
	return 0
}

func main() {
	roles := map[string]func([]string) int{"client": client, "server": server}
	os.Exit(roles[os.Args[1]](os.Args[2:]))
}
