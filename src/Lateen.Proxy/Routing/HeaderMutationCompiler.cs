using Envoy.Config.Core.V3;
using Google.Protobuf.Collections;
using Lateen.Http;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles the header rules of one level (table, virtual host, route, weighted cluster) and puts levels together.</summary>
internal static class HeaderMutationCompiler
{
    /// <summary>Header rules that one level may have. Count, as in Envoy.</summary>
    private const int MaxRules = 1000;

    public static HeaderMutation[] Compile(
        RepeatedField<string> remove, RepeatedField<HeaderValueOption> add, string direction, FieldPath path, ConfigurationErrors errors)
    {
        if (remove.Count == 0 && add.Count == 0) return [];

        var removePath = path.Field($"{direction}_headers_to_remove");
        var addPath = path.Field($"{direction}_headers_to_add");
        if (remove.Count > MaxRules || add.Count > MaxRules)
        {
            errors.Add(addPath, $"more than {MaxRules} header rules");
            return [];
        }

        var steps = new List<HeaderMutation>(remove.Count + add.Count);
        for (var i = 0; i < remove.Count; i++)
        {
            if (NameOf(remove[i], removePath.At(i), errors) is { } name) steps.Add(new HeaderMutation { Kind = HeaderMutationKind.Remove, Name = name });
        }

        for (var i = 0; i < add.Count; i++)
        {
            if (CompileAdd(add[i], addPath.At(i), errors) is { } step) steps.Add(step);
        }

        return [.. steps];
    }

    /// <summary>One list out of the levels, given from the most to the least specific.</summary>
    public static HeaderMutations Join(bool mostSpecificWins, params ReadOnlySpan<HeaderMutation[]> levels)
    {
        var steps = new List<HeaderMutation>();
        for (var i = 0; i < levels.Length; i++) steps.AddRange(levels[mostSpecificWins ? levels.Length - 1 - i : i]);
        return steps.Count == 0 ? HeaderMutations.None : new HeaderMutations([.. steps]);
    }

    private static HeaderMutation? CompileAdd(HeaderValueOption option, FieldPath path, ConfigurationErrors errors)
    {
        var headerPath = path.Field("header");
        if (option.Header is null)
        {
            errors.Add(headerPath, "is required");
            return null;
        }

        if (NameOf(option.Header.Key, headerPath.Field("key"), errors) is not { } name) return null;
        var template = HeaderTemplate.TryParse(option.Header.Value, out var error);
        if (template is null)
        {
            errors.Add(headerPath.Field("value"), error);
            return null;
        }

        if (option.Header.Value.AsSpan().ContainsAny('\r', '\n', '\0'))
        {
            errors.Add(headerPath.Field("value"), "a header value has no line breaks and no NUL");
            return null;
        }

        return new HeaderMutation
        {
            Kind = KindOf(option, path, errors),
            Name = name,
            Literal = template.Literal,
            Template = template.Literal is null ? template : null,
            KeepsEmpty = option.KeepEmptyValue,
        };
    }

    private static HeaderMutationKind KindOf(HeaderValueOption option, FieldPath path, ConfigurationErrors errors)
    {
        if (option.Append is { } append)
        {
            if (option.AppendAction != HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd)
            {
                errors.Add(path.Field("append"), "cannot stand beside append_action; it is the deprecated form of the same");
            }

            return append ? HeaderMutationKind.Append : HeaderMutationKind.Overwrite;
        }

        switch (option.AppendAction)
        {
            case HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd: return HeaderMutationKind.Append;
            case HeaderValueOption.Types.HeaderAppendAction.AddIfAbsent: return HeaderMutationKind.AddIfAbsent;
            case HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd: return HeaderMutationKind.Overwrite;
            case HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists: return HeaderMutationKind.OverwriteIfExists;
            default:
                errors.Add(path.Field("append_action"), $"{(int)option.AppendAction} is not a known action");
                return HeaderMutationKind.Append;
        }
    }

    private static HeaderName? NameOf(string text, FieldPath path, ConfigurationErrors errors)
    {
        if (text.StartsWith(':') || text.Equals("host", StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(path, $"'{text}' cannot be changed by header rules; use the route's rewrites");
            return null;
        }

        if (HeaderName.TryCreate(text, out var name)) return name;
        errors.Add(path, $"'{text}' is not a header name");
        return null;
    }
}
