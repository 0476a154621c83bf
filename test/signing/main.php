<?php
require __DIR__ . '/sign.php';

while (($line = fgets(STDIN)) !== false) {
    $values = explode("\t", rtrim($line, "\n"));
    $sign = array_shift($values) === 'url' ? 'sign_url' : 'sign_cookie';
    echo $sign(...$values), "\n";
}
