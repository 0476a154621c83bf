// Signs tokens with golang-jwt. Reads a JSON object a line, and writes one a line: a token, or none.

package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type order struct {
	Alg, Kid, Pem, Iss, Sub, Aud string
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		token, err := sign(lines.Bytes())
		if err != nil {
			panic(err)
		}
		line, _ := json.Marshal(map[string]string{"token": token})
		fmt.Println(string(line))
	}
}

func sign(line []byte) (string, error) {
	var asked order
	if err := json.Unmarshal(line, &asked); err != nil {
		return "", err
	}
	method := jwt.GetSigningMethod(asked.Alg)
	if method == nil {
		return "", nil
	}

	block, _ := pem.Decode([]byte(asked.Pem))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}

	token := jwt.NewWithClaims(method, jwt.RegisteredClaims{
		Issuer:    asked.Iss,
		Subject:   asked.Sub,
		Audience:  jwt.ClaimStrings{asked.Aud},
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	})
	token.Header["kid"] = asked.Kid
	return token.SignedString(key)
}
