import static java.nio.charset.StandardCharsets.UTF_8;

public class Main {
  public static void main(String[] args) throws Exception {
    for (var line : new String(System.in.readAllBytes(), UTF_8).split("\n")) {
      var v = line.split("\t", -1);
      System.out.println(v[0].equals("url")
          ? Vitrine.signUrl(v[1], v[2], v[3], v[4], v[5], v[6], v[7], Long.parseLong(v[8]), v[9])
          : Vitrine.signCookie(v[1], v[2], v[3], v[4], v[5], Long.parseLong(v[6])));
    }
  }
}
