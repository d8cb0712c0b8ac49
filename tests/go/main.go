// Reads Vigil's audit logs, proofs and keys with the packages of Go's checksum database: none of Vigil's code is in it.
//
//	audit inclusion FOLDER VKEY SEED COUNT    leaves at random are in the log
//	audit consistency FOLDER VKEY CHECKPOINT… the log continues each of these checkpoints, and these each other
//	audit proof FILE LEAF VKEY                a proof shows that the leaf in a file is in a log
//	audit cosigned CHECKPOINT VKEY WITNESS    a witness cosigned a checkpoint
//	audit sign SKEY FILE                      prints the file's text as a signed note
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	switch command {
	case "inclusion":
		return inclusion(args[0], args[1], number(args[2]), int(number(args[3])))
	case "consistency":
		return consistency(args[0], args[1], args[2:])
	case "proof":
		return proof(args[0], args[1], args[2])
	case "cosigned":
		return cosigned(args[0], args[1], args[2])
	case "sign":
		return sign(args[0], args[1])
	}
	return fmt.Errorf("no command %s", command)
}

func inclusion(folder, vkey string, seed int64, count int) error {
	tree, err := checkpoint(filepath.Join(folder, "checkpoint"), vkey)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, &tiles{folder: folder})
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for range count {
		index := random.Int64N(tree.N)
		leaf, err := entry(folder, tree.N, index)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", index, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
			return fmt.Errorf("leaf %d: %w", index, err)
		}
	}
	fmt.Printf("%d of %d leaves\n", count, tree.N)
	return nil
}

func consistency(folder, vkey string, files []string) error {
	files = append(files, filepath.Join(folder, "checkpoint"))
	trees := make([]tlog.Tree, len(files))
	for i, file := range files {
		tree, err := checkpoint(file, vkey)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		trees[i] = tree
	}
	pairs := 0
	for at, later := range trees {
		hashes := tlog.TileHashReader(later, &tiles{folder: folder})
		for _, earlier := range trees[:at] {
			proof, err := tlog.ProveTree(later.N, earlier.N, hashes)
			if err != nil {
				return fmt.Errorf("%d to %d: %w", earlier.N, later.N, err)
			}
			if err := tlog.CheckTree(proof, later.N, later.Hash, earlier.N, earlier.Hash); err != nil {
				return fmt.Errorf("%d to %d: %w", earlier.N, later.N, err)
			}
			pairs++
		}
	}
	fmt.Printf("%d pairs\n", pairs)
	return nil
}

func proof(file, leafFile, vkey string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(leafFile)
	if err != nil {
		return err
	}
	head, signed, _ := bytes.Cut(text, []byte("\n\n"))
	tree, err := opened(signed, vkey)
	if err != nil {
		return err
	}
	var index int64
	var path tlog.RecordProof
	for _, line := range strings.Split(string(head), "\n")[1:] {
		if value, ok := strings.CutPrefix(line, "index "); ok {
			index = number(value)
		} else if !strings.HasPrefix(line, "extra ") {
			hash, err := tlog.ParseHash(line)
			if err != nil {
				return err
			}
			path = append(path, hash)
		}
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	fmt.Printf("leaf %d of %d\n", index, tree.N)
	return nil
}

// witness checks cosignatures, which the package note leaves to others.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	header := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(signature))
	return ed25519.Verify(w.key, append([]byte(header), text...), signature[8:])
}

func cosigned(file, vkey, witnessKey string) error {
	parts := strings.SplitN(witnessKey, "+", 3)
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	if _, err := checkpoint(file, vkey); err != nil {
		return err
	}
	signed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = note.Open(signed, note.VerifierList(witness{parts[0], uint32(hash), key[1:]}))
	return err
}

func sign(skey, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(signed)
	return err
}

func checkpoint(file, vkey string) (tlog.Tree, error) {
	signed, err := os.ReadFile(file)
	if err != nil {
		return tlog.Tree{}, err
	}
	return opened(signed, vkey)
}

func opened(signed []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("origin %s", lines[0])
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: number(lines[1]), Hash: hash}, err
}

// tiles reads them where c2sp.org/tlog-tiles has them, not where the package tlog does.
type tiles struct{ folder string }

func (t *tiles) Height() int { return height }

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(wanted))
	for i, tile := range wanted {
		content, err := file(t.folder, strconv.Itoa(tile.L), tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		if len(content) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %d/%d: %d bytes", tile.L, tile.N, len(content))
		}
		read[i] = content[:tile.W*tlog.HashSize]
	}
	return read, nil
}

func entry(folder string, size, index int64) ([]byte, error) {
	number := index >> height
	content, err := file(folder, "entries", number, int(min(size-number<<height, 1<<height)))
	for at := number << height; err == nil; at++ {
		if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
			return nil, fmt.Errorf("leaf %d: cut short", at)
		}
		end := 2 + int(binary.BigEndian.Uint16(content))
		if at == index {
			return content[2:end], nil
		}
		content = content[end:]
	}
	return nil, err
}

func file(folder, kind string, number int64, width int) ([]byte, error) {
	path := fmt.Sprintf("%03d", number%1000)
	for number /= 1000; number > 0; number /= 1000 {
		path = fmt.Sprintf("x%03d/%s", number%1000, path)
	}
	path = filepath.Join(folder, "tile", kind, path)
	if width < 1<<height {
		if content, err := os.ReadFile(fmt.Sprintf("%s.p/%d", path, width)); err == nil {
			return content, nil
		}
	}
	return os.ReadFile(path)
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return value
}
