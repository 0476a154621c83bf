require_relative "sign"

$stdin.set_encoding("UTF-8")
$stdin.each_line(chomp: true) do |line|
  kind, *values = line.split("\t", -1)
  puts kind == "url" ? sign_url(*values) : sign_cookie(*values)
end
