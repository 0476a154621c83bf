package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		v := strings.Split(lines.Text(), "\t")
		if v[0] == "url" {
			fmt.Println(SignURL(v[1], v[2], v[3], v[4], v[5], v[6], v[7], seconds(v[8]), v[9]))
		} else {
			fmt.Println(SignCookie(v[1], v[2], v[3], v[4], v[5], seconds(v[6])))
		}
	}
}

func seconds(text string) int64 {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return number
}
