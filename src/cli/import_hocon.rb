# Run by import_read.c: `ruby -e THIS [FILE]`. Reads Jibri's configuration as Jibri would, and prints
# it as JSON: "found" is what the file has, "all" that with Jibri's defaults under it, "unset" the
# ${?variables} that nobody gave, "missing" the includes. Standard input: {"layer":, "variables":, "defaults":}.
begin
  require "json"
  require "hocon"
  require "hocon/config_error"
  require "hocon/config_factory"
  require "hocon/config_parse_options"
  require "hocon/config_syntax"
  require "hocon/config_value_factory"
  require "hocon/impl/parseable"
rescue LoadError
  exit 3
end

# An include with a full path that is not there would make version 1.3 of the library give up the whole
# file in silence, and any include would make it fail with Ruby from 3.2 on.
class Hocon::Impl::Parseable::ParseableFile
  def relative_to(filename)
    path = File.expand_path(filename, File.dirname(@input))
    return super(filename) unless File.exist?(path)
    Hocon::Impl::Parseable.new_file(path, options.set_origin_description(nil))
  end
end

COMMENTS = %r{"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/}m

# Jibri's old file is JSON that may have both kinds of comments.
def parse_json(text)
  Hocon::ConfigFactory.parse_string(
    text.gsub(COMMENTS) { |word| word[0] == '"' ? word : word.gsub(/[^\n]/, "") })
end

def parse(path)
  return Hocon::ConfigFactory.parse_string("") unless path
  text = File.read(path, encoding: "UTF-8")
  raise IOError, "encoding" unless text.valid_encoding?
  return parse_json(text) if path.end_with?(".json")
  options = Hocon::ConfigParseOptions.defaults.set_syntax(Hocon::ConfigSyntax::CONF).set_allow_missing(false)
  Hocon::ConfigFactory.parse_file(path, options)
end

# Those of `all` that somebody wrote.
def keep(written, all)
  return all unless written.is_a?(Hocon::Impl::SimpleConfigObject) && all.is_a?(Hash)
  written.key_set.each_with_object({}) { |k, out| out[k] = keep(written[k], all[k]) if all.key?(k) }
end

# Numbers stay as they were written: "0123" may be a password.
def plain(value)
  case value
  when Hocon::Impl::SimpleConfigObject
    value.key_set.each_with_object({}) { |k, out| out[k] = plain(value[k]) }
  when Hocon::Impl::SimpleConfigList
    (0...value.size).map { |i| plain(value[i]) }
  when Hocon::Impl::ConfigNumber
    value.transform_to_string
  else
    value.unwrapped
  end
end

# Only a name that cannot be a key of the file is meant to come from the environment.
def unset(path, known)
  text = path ? File.read(path, encoding: "UTF-8").gsub(/^\s*(?:#|\/\/).*$/, "") : ""
  text.scan(/\$\{\?([A-Za-z_][A-Za-z0-9_]*)\}/).flatten.uniq - known - ENV.keys
end

# HOCON passes over an include that is not there.
def missing(path)
  return [] unless path
  text = File.read(path, encoding: "UTF-8")
  names = text.scan(/^\s*include\s+(?:file\(\s*)?"([^"]+)"/).flatten
  names.reject do |name|
    whole = File.expand_path(name, File.dirname(path))
    ["", ".conf", ".json"].any? { |suffix| File.readable?(whole + suffix) }
  end
end

# What a parser says of a text may hold a part of it, a password: where it is must do.
def place(message)
  line = message[/: (\d+): /, 1]
  name = message[/substitution to a value: \$\{([A-Za-z0-9_.-]+)\}/, 1]
  file = message[/([^\s:]+): \d+: /, 1]
  { "line" => line.to_i, "variable" => name, "file" => file == "String" ? nil : file }
end

input = JSON.parse($stdin.read)
begin
  layer = Hocon::ConfigValueFactory.from_any_ref(input["layer"]).to_config
  variables = Hocon::ConfigValueFactory.from_any_ref(input["variables"]).to_config
  defaults = Hocon::ConfigFactory.parse_string(input["defaults"])
  written = parse(ARGV[0]).with_fallback(layer)
  all = plain(written.with_fallback(defaults).with_fallback(variables).resolve.root)
  puts JSON.generate("found" => keep(written.root, all), "all" => all["jibri"],
                     "unset" => unset(ARGV[0], all.keys), "missing" => missing(ARGV[0]))
rescue SystemCallError => error
  puts JSON.generate("error" => "file", "errno" => error.errno)
rescue IOError
  puts JSON.generate("error" => "encoding")
rescue Hocon::ConfigError::UnresolvedSubstitutionError => error
  puts JSON.generate({ "error" => "substitution" }.merge(place(error.message)))
rescue Hocon::ConfigError => error
  puts JSON.generate({ "error" => "syntax" }.merge(place(error.message)))
end
